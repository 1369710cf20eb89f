<?php
// lengths, offsets and limits beyond 2^31 and 2^32: none is taken for its remainder
ini_set('display_errors', '0'); ini_set('memory_limit', '256M');
register_shutdown_function(function () { if ($m = error_get_last()['message'] ?? '')
	echo preg_replace(['/Allowed memory size.*/', '/Possible integer overflow.*/'], ['memory', 'memory'], $m), "\n"; });
$text = str_repeat('abcd ', 4);
$file = sys_get_temp_dir() . '/limits';
function at($file, $place) {
	$f = fopen($file, 'w+');
	$r = [ftruncate($f, $place), fseek($f, $place - 1), fwrite($f, 'xyz'), ftell($f), fstat($f)['size'], fseek($f, $place), fread($f, 5), feof($f)];
	ftruncate($f, $place + 1);
	clearstatcache();
	$r[] = filesize($file);
	$r[] = file_get_contents($file, false, null, $place, 10);
	unlink($file);
	return $r;
}
$cases = [
	'files' => function ($n) use ($file) { return at($file, $n); },
	'memory stream' => function ($n) { $f = fopen('php://memory', 'w+'); fwrite($f, 'abc'); return [fseek($f, $n), ftell($f)]; },
	'hash_pbkdf2' => function ($n) { return strlen(hash_pbkdf2('sha1', 'a', 'b', 1, $n * 32)); },
	'hash_hkdf' => function ($n) { return strlen(hash_hkdf('sha1', 'a', $n)); },
	'gzinflate' => function ($n) { return gzinflate(gzdeflate('abcdef'), $n); },
	'bzread' => function ($n) use ($file) {
		file_put_contents($file, bzcompress('abcdef'));
		$bz = bzopen($file, 'r');
		unlink($file);
		return bzread($bz, $n);
	},
	'preg_match' => function ($n) use ($text) { return [preg_match('/a/', $text, $m, 0, $n), preg_match('/a/', $text, $m, 0, -$n)]; },
	'preg_replace' => function ($n) use ($text) { return [preg_replace('/a/', 'x', $text, $n), count(preg_split('/ /', $text, $n)),
		preg_replace_callback('/b/', function () { return 'y'; }, $text, $n)]; },
	'iconv_substr' => function ($n) use ($text) { return [iconv_substr($text, $n, 2), iconv_substr($text, 1, $n), iconv_substr($text, -$n, 2), @iconv_strpos($text, 'b', $n)]; },
	'mb_substr' => function ($n) use ($text) { return [mb_substr($text, $n, 2), mb_substr($text, 1, $n), mb_strcut($text, 1, $n), @mb_strcut($text, $n), mb_strimwidth($text, 2, $n, '')]; },
	'mb_str_split' => function ($n) use ($text) { return mb_str_split($text, $n, 'ASCII'); },
	'mb_strpos' => function ($n) use ($text) { return [@mb_strpos($text, 'b', $n), @mb_strrpos($text, 'b', -$n), @mb_stripos($text, 'b', $n)]; },
	'mb_ereg' => function ($n) use ($text) { mb_ereg_search_init($text, 'a'); return @mb_ereg_search_setpos($n); },
	'substr_compare' => function ($n) { return [substr_compare('abcd', 'abxx', 0, $n) < 0, strncmp('abcd', 'abxx', $n) < 0, strncasecmp('ab', 'AB', $n)]; },
	'substr' => function ($n) use ($text) { return [substr($text, $n), substr($text, 1, $n), substr_count($text, 'a', 1), chunk_split('abc', $n, '.'), str_split('abc', $n), wordwrap('a b', $n)]; },
	'metaphone' => function ($n) { return metaphone('Thompson', $n); },
	'explode' => function ($n) use ($text) { return [count(explode(' ', $text, $n)), explode(' ', $text, -$n), array_slice([1, 2, 3], $n), array_slice([1, 2, 3], 1, $n), array_pad([1], 2, 0)]; },
	'unserialize' => function ($n) { return [@unserialize('s:' . ($n + 2) . ':"ab";'), @unserialize('a:' . ($n + 1) . ':{i:0;i:1;}'), @unserialize('i:' . ($n + 2) . ';')]; },
	'sodium_pad' => function ($n) { return strlen(sodium_pad('ab', $n - 1)); },
	'sodium_generichash' => function ($n) { return sodium_crypto_generichash('a', '', $n); },
	'openssl' => function ($n) { return [@openssl_random_pseudo_bytes($n + 3)]; },
	'openssl_pbkdf2' => function ($n) { return @openssl_pbkdf2('a', 'b', $n, 1); },
	'blob' => function ($n) {
		$db = new SQLite3(':memory:');
		$db->exec("create table t (b blob); insert into t values (x'616263')");
		$f = $db->openBlob('t', 'b', 1);
		return [fseek($f, $n), fseek($f, -$n, SEEK_END), fseek($f, $n, SEEK_CUR)];
	},
	'columns' => function ($n) {
		$s = (new PDO('sqlite::memory:'))->query("select $n as n, 1.5 as r, 'x' as t");
		return [$s->getColumnMeta(0)['len'], $s->getColumnMeta(0)['precision'], $s->fetch(PDO::FETCH_NUM)];
	},
	'sqlite integers' => function ($n) {
		$db = new SQLite3(':memory:');
		$s = $db->prepare('select :n + 1, length(zeroblob(10)), :n * 2');
		$s->bindValue(':n', $n, SQLITE3_INTEGER);
		return $s->execute()->fetchArray(SQLITE3_NUM);
	},
	'dom' => function ($n) use ($text) { $t = new DOMText($text); return [@$t->substringData(0, $n), (new DOMDocument)->childNodes->item($n)]; },
	'no name' => function ($n) { return [@fopen('', 'r'), @fopen('', 'w'), error_get_last()['message'], @opendir(''), @mkdir(''), @rmdir(''), @unlink(''), @rename('', 'x'), @touch(''), @chmod('', 0700),
		@file_get_contents(''), @copy('', 'x'), @copy(__FILE__, ''), @readlink(''), @symlink('x', ''), @scandir(''), @stat(''), file_exists(''), is_dir(''), realpath('') === getcwd(), @include '']; },
];
if ($argc < 2) { echo implode("\n", array_keys($cases)), "\n"; exit; }
foreach ([1 << 31, (1 << 31) + 1, 1 << 32, (1 << 32) + 3] as $n) {
	try {
		$r = $cases[$argv[1]]($n);
		error_clear_last();
		echo json_encode($r), "\n";
	} catch (Throwable $e) {
		echo get_class($e), ': ', $e->getMessage(), "\n";
	}
}
