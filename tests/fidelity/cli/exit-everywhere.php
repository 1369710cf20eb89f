<?php
// one exit in each place that PHP runs code from; every one in a run of its own
class S { function __toString() { echo "toString\n"; exit(10); } function __get($n) { echo "get\n"; exit(11); }
	function __call($n, $a) { echo "call\n"; exit(12); } static function __callStatic($n, $a) { echo "callStatic\n"; exit(13); }
	function __invoke() { echo "invoke\n"; exit(14); } }
class It implements IteratorAggregate { function getIterator() { yield 1; echo "generator\n"; exit(15); } }
class Se { function __sleep() { echo "sleep\n"; exit(16); } }
class Js implements JsonSerializable { function jsonSerialize() { echo "json\n"; exit(17); } }
class Ct implements Countable { function count() { echo "count\n"; exit(18); } }
$places = [
	function () { echo 'x' . new S; }, function () { (new S)->prop; }, function () { (new S)->method(); }, function () { S::method(); },
	function () { $s = new S; $s(); }, function () { foreach (new It as $x) echo "item $x\n"; }, function () { serialize(new Se); },
	function () { json_encode(new Js); }, function () { count(new Ct); },
	function () { $a = [3, 1, 2]; usort($a, function ($x, $y) { echo "usort\n"; exit(19); }); },
	function () { preg_replace_callback('/a/', function ($m) { echo "preg\n"; exit(20); }, 'aaa'); },
	function () { ob_start(function ($b) { return strtoupper($b); }); echo "output\n"; exit(21); },
	function () { set_error_handler(function () { echo "error handler\n"; exit(22); }); echo $undefined; },
	function () { set_exception_handler(function () { echo "exception handler\n"; exit(23); }); throw new Exception; },
	function () { spl_autoload_register(function ($c) { echo "autoload $c\n"; exit(24); }); new NoSuchClass; },
	function () { eval('echo "eval\n"; exit(25);'); },
	function () { array_walk_recursive($GLOBALS['places'], function () { echo "walk\n"; exit(26); }); },
	function () { (function () { yield from (function () { yield 1; echo "yield from\n"; exit(27); })(); })()->next(); },
];
if ($argc > 1) { $places[(int)$argv[1]](); exit(1); }
echo count($places), "\n";
