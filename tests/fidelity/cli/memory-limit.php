<?php
ini_set('memory_limit', '16M');
register_shutdown_function(function () {
	ini_set('memory_limit', '32M');
	echo preg_replace('/tried to allocate \d+/', 'tried to allocate N', error_get_last()['message']), "\n";
	echo "memory again: ", strlen(str_repeat('x', 4 << 20)), "\n";
});
ini_set('display_errors', '0');
$a = [];
while (true) $a[] = str_repeat('x', 100000);
