<?php
class D { function __destruct() { throw new LogicException('from a destructor'); } }
try { $d = new D; unset($d); } catch (LogicException $e) { echo get_class($e), ': ', $e->getMessage(), "\n"; }
$d = new D;
echo "end\n";
