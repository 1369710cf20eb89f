<?php
class D { public $n; public $o; function __construct($n) { $this->n = $n; } function __destruct() { echo "destruct $this->n\n"; } }
function scope() { $x = new D('in a function'); echo "leaving\n"; }
scope();
$a = new D('cycle a'); $b = new D('cycle b'); $a->o = $b; $b->o = $a; unset($a, $b);
gc_collect_cycles(); echo "collected\n";
$t = new D('replaced'); $t = new D('last');
$first = new D('first');
try { (function () { $x = new D('unwound'); throw new Exception('e'); })(); } catch (Exception $e) { echo "caught\n"; }
unset($e);
new D('temporary');
echo "end\n";
