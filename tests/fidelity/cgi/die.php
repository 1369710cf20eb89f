<?php
header('X-First: 1'); http_response_code(404); header('Content-Type: text/plain');
register_shutdown_function(function () { echo "shutdown\n"; });
function f() { die("gone\n"); }
echo "body\n"; f(); echo "not reached\n";
