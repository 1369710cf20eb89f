<?php
register_shutdown_function(function () { echo "shutdown\n"; });
class MyException extends Exception {}
function f($x) { throw new MyException("boom $x", 7, new Exception("before")); }
f(1);
