<?php
class D { function __destruct() { echo "no destructor\n"; } }
$d = new D;
register_shutdown_function(function () { echo "first\n"; no_such_function(); });
register_shutdown_function(function () { echo "second does not run\n"; });
echo "end of script\n";
