<?php
// Products at the limits of integers: an int, or a float where that overflows. And strings in their order, by every byte.
$v = [0, 1, -1, 2, -3, PHP_INT_MAX, PHP_INT_MIN, PHP_INT_MAX - 1, PHP_INT_MIN + 1, 1 << 31, 1 << 32, -(1 << 31), -(1 << 32),
    (1 << 31) - 1, 0xffffffff, 3037000499, 3037000500, -3037000500, 1 << 62, (1 << 33) + 5, 4611686018427387904 - 1, 6700417 * 641];
foreach ($v as $a) {
    foreach ($v as $b) {
        echo json_encode([$a, $b, $a * $b]), is_int($a * $b) ? " int\n" : " float\n";
    }
}
$n = 0;
for ($i = 0, $h = 1; $i < 1000; $i++) {
    $h = ($h * 31 + $i) % 1000000007;
    $n += is_float($h * 9223372036 * ($i % 3));
}
echo "$h $n\n";
for ($len = 0; $len < 40; $len++) {
    $line = '';
    for ($at = 0; $at < $len; $at++) {
        $s = $t = str_repeat("m", $len);
        $s[$at] = "\xf0";
        $t[$len - 1 - $at] = "\x0f";
        $line .= ($s <=> $t) . ($t <=> $s) . ($s === $t ? 'e' : '') . strcmp($s, str_repeat("m", $len)) . substr_compare($t, $s, $at) . ' ';
    }
    echo $line, "\n";
}
