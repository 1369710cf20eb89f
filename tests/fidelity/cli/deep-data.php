<?php
// Deep structures that are built step by step also go away again, whatever their depth.
class N { public $next; function __construct($n) { $this->next = $n; } }
class D extends N { static $count = 0; function __destruct() { self::$count++; } }
$l = null; for ($i = 0; $i < 300000; $i++) $l = new N($l); $l = null; echo "objects\n";
$l = null; for ($i = 0; $i < 300000; $i++) $l = new D($l); $l = null; echo "destructors ", D::$count, "\n";
$l = []; for ($i = 0; $i < 300000; $i++) $l = [$l]; $l = null; echo "arrays\n";
$l = null; for ($i = 0; $i < 100000; $i++) { $m = new SplObjectStorage; if ($l) $m->attach($l); $l = $m; } $l = $m = null; echo "storages\n";
$l = function () {}; for ($i = 0; $i < 100000; $i++) $l = function () use ($l) {}; $l = null; echo "closures\n";
$l = null; for ($i = 0; $i < 100000; $i++) { $r = [$l]; $l = [&$r]; unset($r); } $l = null; echo "references\n";
$a = []; for ($i = 0; $i < 1000; $i++) $a = [$a];
echo unserialize(serialize($a)) == $a ? "same\n" : "different\n";
echo strlen(json_encode($a, 0, 2000)), "\n";
