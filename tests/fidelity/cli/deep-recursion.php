<?php
// Endless recursion through PHP's own functions: an error that a shutdown function sees, not the end of the world.
ini_set('display_errors', '0');
ini_set('memory_limit', '512M');
class M { public $p; function __toString() { return 'x' . new M; } function __get($n) { return (new M)->$n; } function __call($n, $a) { return array_map([new M, $n], [1]); }
	function __isset($n) { return isset((new M)->$n); } function __invoke($x) { return array_map(new M, [$x]); } function __clone() { $x = new M; $y = clone $x; } }
class Agg implements IteratorAggregate { function getIterator() { foreach (new Agg as $x) yield $x; } }
class Js implements JsonSerializable { function jsonSerialize() { return [new Js]; } }
class Se implements Serializable { function serialize() { return serialize(new Se); } function unserialize($s) {} }
class Dt { function __destruct() { $x = new Dt; unset($x); } }
class Cmp implements ArrayAccess { function offsetGet($o) { $x = new Cmp; return $x[$o]; } function offsetSet($o, $v) {} function offsetExists($o) { return true; } function offsetUnset($o) {} }
function map($x) { return array_map('map', [$x]); }
function gen() { yield from gen(); }
function deep($n) { $a = []; for ($i = 0; $i < $n; $i++) $a = [$a]; return $a; }
function deepobj($n) { $o = null; for ($i = 0; $i < $n; $i++) { $m = new stdClass; $m->o = $o; $o = $m; } return $o; }
$cases = [
	'array_map' => function () { map(1); },
	'usort' => $us = function () use (&$us) { $a = [2, 1]; usort($a, $us); },
	'preg_replace_callback' => $pr = function () use (&$pr) { return preg_replace_callback('/./', $pr, 'a'); },
	'call_user_func' => $cu = function () use (&$cu) { call_user_func_array('call_user_func', [$cu]); array_filter([1], $cu); },
	'array_walk' => $aw = function () use (&$aw) { $a = [1]; array_walk($a, $aw); },
	'iterator_apply' => $ia = function () use (&$ia) { iterator_apply($i = new ArrayIterator([1]), $ia); },
	'ob_start' => function () { $f = function () use (&$f) { return array_map($f, [1]); }; ob_start(); $f(); },
	'__toString' => function () { return 'x' . new M; },
	'__get' => function () { return (new M)->a; },
	'__isset' => function () { return isset((new M)->a); },
	'__call' => function () { return (new M)->a(); },
	'__invoke' => function () { $m = new M; $m(1); },
	'__clone' => function () { $m = new M; $n = clone $m; },
	'iterator' => function () { foreach (new Agg as $x); },
	'generator' => function () { foreach (gen() as $x); },
	'offsetGet' => function () { $x = new Cmp; return $x[1]; },
	'jsonSerialize' => function () { json_encode(new Js, 0, PHP_INT_MAX >> 33); },
	'serialize' => function () { serialize(new Se); },
	'destructor' => function () { $x = new Dt; unset($x); },
	'autoload' => function () { spl_autoload_register(function ($c) { class_exists($c . 'x'); }); new Nope; },
	'error handler' => function () { set_error_handler($h = function () use (&$h) { set_error_handler($h); echo $undefined; }); echo $undefined; },
	'serialize deep' => function () { serialize(deep(200000)); },
	'var_dump deep' => function () { ob_start(function () { return ''; }); var_dump(deep(200000)); },
	'var_export deep' => function () { var_export(deep(200000), true); },
	'print_r deep' => function () { print_r(deep(200000), true); },
	'json_encode deep' => function () { json_encode(deep(200000), 0, 1000000); },
	'compare deep' => function () { $a = deep(200000); $b = deep(200000); $a[] = 1; $b[] = 1; return $a == $b; },
	'compare objects' => function () { return deepobj(200000) == deepobj(200000); },
	'count deep' => function () { count(deep(200000), COUNT_RECURSIVE); },
	'array_walk_recursive deep' => function () { $a = deep(200000); array_walk_recursive($a, 'strlen'); },
	'array_merge_recursive deep' => function () { $d = []; for ($i = 0; $i < 200000; $i++) $d = ['k' => $d]; array_merge_recursive($d, $d); },
	'array_replace_recursive deep' => function () { $d = []; for ($i = 0; $i < 200000; $i++) $d = ['k' => $d]; array_replace_recursive($d, $d); },
	'http_build_query deep' => function () { http_build_query(deep(20000)); },
	'compile deep' => function () { eval('$x = $y' . str_repeat('+1', 200000) . ';'); },
	'compile deep stmt' => function () { eval(str_repeat('if (1) ', 5000) . ';' . ' $x = ' . str_repeat('!', 9000) . '1;'); },
	'compile deep concat' => function () { eval('return "a"' . str_repeat(' . $a', 200000) . ';'); },
	'assert deep' => function () { ini_set('assert.active', '1'); eval('assert($a' . str_repeat('+1', 100000) . ');'); },
	'unserialize deep' => function () { unserialize(str_repeat('a:1:{i:0;', 100000) . 'i:1;' . str_repeat('}', 100000), ['max_depth' => 0]); },
];
if ($argc < 2) { echo count($cases), "\n", implode("\n", array_keys($cases)), "\n"; exit; }
register_shutdown_function(function () {
	$e = error_get_last();
	while (ob_get_level()) ob_end_clean();
	$m = $e && $e['type'] !== E_DEPRECATED ? $e['message'] : 'no error';
	// from 8.4 on an Error that nobody catches, with its trace
	if (preg_match('/^(?:Uncaught Error: )?Maximum call stack size (?:of \d+ bytes )?(?:\(zend\.max_allowed_stack_size - zend\.reserved_stack_size\) )?reached(?:\. Infinite recursion\?| during object comparison| during compilation\. Try splitting expression)/', $m) && in_array($e["type"], [E_ERROR, E_COMPILE_ERROR])) $m = 'stack';
	elseif (preg_match('/^Allowed memory size/', $m)) $m = 'memory';
	echo $m, "\n";
	echo array_sum(array_map(function ($x) { return $x * $x; }, [1, 2, 3])), "\n";
});
$cases[$argv[1]]();
