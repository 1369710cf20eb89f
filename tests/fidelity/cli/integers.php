<?php
ini_set('memory_limit', '256M');
// 64-bit numbers on a machine of 32-bit sizes: out of range must be said, never cut off
function t($f) { try { $r = @$f(); echo is_string($r) && strlen($r) > 40 ? strlen($r) . ' bytes' : json_encode($r), ' ', error_get_last()['message'] ?? '', "\n"; } catch (Throwable $e) { echo get_class($e), ': ', $e->getMessage(), "\n"; } error_clear_last(); }
$big = 4294967296 + 1;
t(function () use ($big) { $s = 'abc'; return $s[$big]; });
t(function () use ($big) { $s = 'abc'; return $s[-$big]; });
t(function () use ($big) { $s = 'abc'; return isset($s[$big]) || isset($s[-$big]); });
t(function () use ($big) { return substr('abcdef', $big); });
t(function () use ($big) { return substr('abcdef', 1, $big); });
t(function () use ($big) { return substr('abcdef', -$big, 2); });
t(function () use ($big) { return strpos('abcabc', 'a', $big); });
t(function () use ($big) { return substr_count('aaaa', 'a', 1, $big); });
t(function () use ($big) { return substr_replace('abc', 'x', $big, 1); });
t(function () use ($big) { return array_slice([1, 2, 3], $big); });
t(function () use ($big) { return array_slice([1, 2, 3], 0, $big); });
t(function () use ($big) { return array_fill(0, $big, 1); });
t(function () use ($big) { return array_pad([], $big, 1); });
t(function () use ($big) { return range(0, $big); });
t(function () use ($big) { return new SplFixedArray(-1); });
t(function () use ($big) { return random_int($big, $big); });
t(function () use ($big) { return mb_substr('äöü', $big); });
t(function () use ($big) { return mb_substr('äöü', 1, $big); });
t(function () use ($big) { return chunk_split('abc', $big); });
t(function () use ($big) { return wordwrap('abc def', $big); });
t(function () use ($big) { return number_format(1.5, 2); });
t(function () use ($big) { return [PHP_INT_MAX, PHP_INT_MIN, intdiv(PHP_INT_MIN, 2), 0xffffffffff, PHP_INT_MAX % 1000, ~0, 1 << 63, -1 >> 62]; });
t(function () use ($big) { return [$big => 'a', -$big => 'b', (string)$big => 'c']; });
t(function () use ($big) { return [unserialize(serialize($big)), json_decode("$big"), (int)"$big", (int)4.3e9, sprintf('%d %x %b', $big, $big, 5), strtotime('2100-01-01 00:00:00 UTC'), date('Y', 5e9)]; });
t(function () use ($big) { return unpack('q', pack('q', -$big)); });
t(function () use ($big) { return [array_sum([$big, $big]), max($big, 1), array_product([$big, 2]), hexdec('fffffffff'), bindec(str_repeat('1', 40)), octdec('7777777777777')]; });
t(function () use ($big) { $f = fopen('php://memory', 'w+'); fwrite($f, 'abc'); return [fseek($f, $big), ftell($f)]; });
t(function () use ($big) { return str_pad('a', 10, 'b'); });
t(function () use ($big) { usleep(1); return mt_rand(1, 1); });
t(function () use ($big) { mt_srand(42); return [mt_rand(), mt_rand(1, 100), rand(1, 6)]; });
t(function () use ($big) { return [crc32('hello'), hash('crc32b', 'hello'), hash('xxh32', 'x')]; });
