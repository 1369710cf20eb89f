<?php
ini_set('html_errors', '0');
echo "output\n"; flush();
register_shutdown_function(function () { echo "shutdown\n"; exit(9); });
throw new RuntimeException('late');
