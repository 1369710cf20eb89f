<?php
register_shutdown_function(function () { echo "shutdown\n"; });
try { eval('this is not php'); } catch (ParseError $e) { echo get_class($e), ' line ', $e->getLine(), "\n"; }
require __DIR__ . '/no-such-file.inc';
