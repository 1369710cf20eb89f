<?php
// The page of the image: what serves here, and how to put a site in its place.
header('Content-Type: text/plain; charset=utf-8');
printf("PHP %s on WebAssembly (%s) serves %s.\n\n", PHP_VERSION, php_uname(), $_SERVER['DOCUMENT_ROOT']);
echo "Your own files go there: mount a folder at /docroot, or put them over this image with `wlpack image`.\n\n";
printf("%s %s %s from %s\n", $_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI'], $_SERVER['SERVER_PROTOCOL'], $_SERVER['REMOTE_ADDR']);
