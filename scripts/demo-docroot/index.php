<?php
// The page of the demo: what does a script see inside a wasi/wasm container?
printf("Hello from PHP %s on \"%s\"\n\n", PHP_VERSION, php_uname());

echo "Environment variables that were given:\n";
$names = array_keys(getenv());
sort($names);
foreach ($names as $name) {
    echo "  $name\n";
}

echo "\nThe date: ", gmdate('Y-m-d'), " (UTC)\n";

echo "\nWhat / holds:\n";
$entries = @scandir('/');
foreach ($entries === false ? ['(nothing: / was not given)'] : $entries as $entry) {
    if ($entry !== '.' && $entry !== '..') {
        echo "  $entry\n";
    }
}

$file = __DIR__ . '/counter.txt';
$count = (int) @file_get_contents($file) + 1;
if (@file_put_contents($file, "$count\n") !== false) {
    echo "\nThis page was shown $count time(s); the count stands in a file beside it.\n";
}
