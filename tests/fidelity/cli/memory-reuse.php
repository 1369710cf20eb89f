<?php
// far more than the limit, a piece at a time
ini_set('memory_limit', '64M');
for ($i = 0; $i < 200; $i++) {
	$s = str_repeat('a', 8 << 20); $s .= 'b'; $t = array_fill(0, 100000, $i); $u = str_repeat($i % 10, 3000000 + $i);
	if ($s[8 << 20] !== 'b' || $t[99999] !== $i || strlen(trim($u, $i % 10)) !== 0) { echo "wrong at $i\n"; exit(1); }
}
$s = ''; for ($i = 0; $i < 300; $i++) $s .= str_repeat(chr(97 + $i % 26), 100000);
echo strlen($s), ' ', md5($s), "\n";
echo memory_get_peak_usage() < 64 << 20 ? "within the limit\n" : "too much\n";
