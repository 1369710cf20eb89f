<?php
class D { function __destruct() { echo "no destructor after a fatal error\n"; } }
$d = new D;
register_shutdown_function(function () {
	echo "shutdown\n";
	$e = error_get_last();
	echo $e['type'] === E_ERROR ? "E_ERROR" : $e['type'], ': ', strtok($e['message'], "\n"), "\n";
});
ob_start();
echo "in the buffer\n";
function f() { $o = new DateTime('now'); $c = clone 5; }
try { f(); } catch (Error $e) { echo get_class($e), ': ', $e->getMessage(), "\n"; }
set_error_handler(function () { echo "an error handler does not see it\n"; });
abstract class A { abstract function m(); }
eval('class B extends A {}');
echo "not reached\n";
