<?php
echo "this one is not asked for\n";
