<?php
// sizes that no memory holds: the error is that of the memory limit or of the function, and nothing is cut to 32 bits
ini_set('display_errors', '0'); ini_set('memory_limit', '256M');
register_shutdown_function(function () { $m = error_get_last()['message'] ?? 'no error';
	echo preg_replace(['/Allowed memory size.*/', '/Possible integer overflow.*/'], ['memory', 'memory'], $m), "\n"; });
$big = 4294967296 + 3;
$cases = [
	'str_repeat' => function () use ($big) { return str_repeat('x', $big); },
	'str_pad' => function () use ($big) { return str_pad('x', $big); },
	'offset' => function () use ($big) { $s = 'abc'; $s[$big] = 'x'; return $s; },
	'random_bytes' => function () use ($big) { return random_bytes($big); },
	'openssl' => function () use ($big) { return str_repeat(str_repeat('x', 65536), 65536); },
	'implode' => function () { $s = str_repeat('x', 100 << 20); return implode('', array_fill(0, 50, $s)); },
	'concat' => function () { $s = str_repeat('x', 60 << 20); while (true) $s .= $s; },
	'strtr' => function () { return str_replace('x', str_repeat('y', 10000), str_repeat('x', 1000000)); },
	'fread' => function () use ($big) { return fread(fopen('php://memory', 'r'), $big); },
	'stream_get_contents' => function () use ($big) { return stream_get_contents(fopen('php://memory', 'r'), $big); },
	'SplFixedArray' => function () use ($big) { return new SplFixedArray($big); },
	'sprintf' => function () use ($big) { return sprintf('%' . $big . 'd', 1); },
	'mb_strimwidth' => function () use ($big) { return mb_substr(str_repeat('x', 10), -$big, $big); },
	'nl2br' => function () { return nl2br(str_repeat("\n", 100 << 20)); },
	'bin2hex' => function () { return bin2hex(str_repeat("\n", 200 << 20)); },
	'array_fill' => function () { return array_fill(0, 60000000, 1); },
	'gmp pow' => function () use ($big) { return bcpow('2', '10', 20); },
	'bcscale' => function () use ($big) { return bcadd('1', '2', $big); },
];
if ($argc < 2) { echo implode("\n", array_keys($cases)), "\n"; exit; }
try { $r = $cases[$argv[1]](); echo is_string($r) ? strlen($r) : gettype($r), "\n"; } catch (Throwable $e) { echo get_class($e), ': ', $e->getMessage(), "\n"; }
