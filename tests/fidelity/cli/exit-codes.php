<?php
// the status is taken modulo 256 by the host; a string is printed and gives 0
register_shutdown_function(function () { exit(42); });
exit("text\n");
