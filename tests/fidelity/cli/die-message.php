<?php
function f() { die("bye\n"); }
array_map(function ($x) { f(); }, [1, 2]);
