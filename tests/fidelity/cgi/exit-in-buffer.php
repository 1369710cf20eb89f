<?php
ob_start(function ($b) { return strtoupper($b); });
class D { function __destruct() { echo "destructor\n"; } } $d = new D;
echo "buffered\n"; header('X-Late: yes'); setcookie('c', 'v w', 0, '/'); 
array_map(function () { exit(3); }, [1]);
