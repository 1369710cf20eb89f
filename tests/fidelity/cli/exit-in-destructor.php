<?php
class D { public $n; function __construct($n) { $this->n = $n; } function __destruct() { echo "destruct $this->n\n"; if ($this->n === 1) exit(5); } }
register_shutdown_function(function () { echo "shutdown\n"; });
$a = new D(1);
$b = new D(2);
unset($a);
echo "not reached\n";
