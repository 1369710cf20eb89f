<?php
$line = fgets(STDIN); echo "STDIN: $line";
$in = fopen('php://stdin', 'r'); $in2 = fopen('php://stdin', 'r');
echo "php://stdin: ", fgets($in2) === false ? "at its end\n" : "more\n";
fclose($in); fclose($in2);
echo "after fclose: ", feof(STDIN) || fgets(STDIN) === false ? "STDIN at its end\n" : "STDIN goes on\n";
$a = fopen('php://stdout', 'w'); $b = fopen('php://stdout', 'w'); $c = fopen('php://output', 'w');
fwrite($a, "a\n"); fclose($a); fwrite($b, "b\n"); fclose($b); fwrite($c, "c\n"); fclose($c);
fwrite(STDOUT, "STDOUT\n");
$e = fopen('php://stderr', 'w'); var_dump(fwrite($e, "to stderr\n")); fclose($e); var_dump(fwrite(STDERR, "again\n"));
$m = fopen('php://memory', 'w+'); fwrite($m, "one\ntwo\n"); rewind($m); echo stream_get_contents($m, -1, 4);
$t = fopen('php://temp/maxmemory:16', 'w+'); fwrite($t, str_repeat('x', 1000)); rewind($t); echo strlen(stream_get_contents($t)), "\n";
echo file_get_contents('data:text/plain;base64,ZGF0YQo=');
echo file_get_contents('php://filter/read=string.rot13|string.toupper/resource=data:,uryyb'), "\n";
var_dump(stream_isatty(STDOUT), stream_get_meta_data(STDIN)['stream_type'], is_resource(STDIN));
echo "end\n";
