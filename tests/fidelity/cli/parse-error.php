<?php
echo "nothing is printed\n";
function ( {
