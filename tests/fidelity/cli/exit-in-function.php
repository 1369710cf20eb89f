<?php
class D { public $n; function __construct($n) { $this->n = $n; } function __destruct() { echo "destruct $this->n\n"; } }
register_shutdown_function(function () { echo "shutdown 1\n"; });
register_shutdown_function(function () { echo "shutdown 2\n"; });
$global = new D('global');
function inner() { $local = new D('local'); try { exit(3); } finally { echo "finally must not run\n"; } }
function outer() { inner(); echo "not reached\n"; }
ob_start();
echo "buffered\n";
outer();
echo "not reached\n";
