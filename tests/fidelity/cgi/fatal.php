<?php
register_shutdown_function(function () { echo "shutdown\n"; });
ini_set('html_errors', '0'); ini_set('display_errors', '0');
header('X-Before: 1'); $x = null; $x->method();
