<?php
echo PHP_OS, ' ', PHP_OS_FAMILY, ' ', DIRECTORY_SEPARATOR, PATH_SEPARATOR, ' ', PHP_EOL === "\n" ? 'nl' : 'crnl', "\n";
echo php_uname(), "\n", php_uname('s'), '|', php_uname('n'), '|', php_uname('r'), '|', php_uname('v'), '|', php_uname('m'), "\n";
echo PHP_INT_SIZE, ' ', PHP_INT_MAX, ' ', PHP_INT_MIN, ' ', PHP_INT_MAX + 1, ' ', 0x7fffffff + 1, ' ', 1 << 40, "\n";
echo php_sapi_name(), ' ', PHP_SAPI, ' ', PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION, ' ', PHP_ZTS, PHP_DEBUG, "\n";
var_dump(getenv('NOT_SET'), getenv('HOME'), $_ENV === [] || is_array($_ENV));
putenv('MINE=value=1'); var_dump(getenv('MINE')); putenv('MINE'); var_dump(getenv('MINE'));
var_dump($argc, $argv, $_SERVER['argc'], getmypid() > 0, getcwd());
var_dump(sys_get_temp_dir(), function_exists('pcntl_fork'), @exec('true'), @shell_exec('true'), @popen('true', 'r'), @proc_open('true', [], $p));
var_dump(@fsockopen('127.0.0.1', 80, $errno, $errstr, 1), @stream_socket_server('tcp://127.0.0.1:0'), gethostbyname('localhost'), gethostbyname('no.such.host.invalid'));
var_dump(set_time_limit(5), ini_get('memory_limit'), ignore_user_abort(), connection_status());
