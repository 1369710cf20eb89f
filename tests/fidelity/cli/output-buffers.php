<?php
ob_start(function ($b, $phase) { return '[' . strtoupper($b) . ($phase & PHP_OUTPUT_HANDLER_FINAL ? ' final' : '') . ']'; });
echo "outer ";
ob_start();
echo "inner ";
ob_start(function ($b) { return strrev($b); }, 4);
echo "abcdef";
echo "xy";
register_shutdown_function(function () { echo " shutdown"; });
(function () { exit; })();
