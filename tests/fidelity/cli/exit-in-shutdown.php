<?php
class D { function __destruct() { echo "destruct\n"; } }
$d = new D;
ob_start();
register_shutdown_function(function () { echo "first\n"; exit(4); });
register_shutdown_function(function () { echo "second does not run\n"; });
exit(1);
