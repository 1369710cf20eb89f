<?php
ini_set('display_errors', '0'); ini_set('memory_limit', '8M');
register_shutdown_function(function () { http_response_code(503); echo "out of memory\n"; });
$a = str_repeat('x', 64 << 20);
