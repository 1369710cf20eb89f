<?php
echo $_SERVER['REQUEST_METHOD'], ' ', json_encode($_GET), ' ', json_encode($_POST), ' ', file_get_contents('php://input'), ' ', $_SERVER['CONTENT_LENGTH'], ' ', PHP_SAPI, "\n";
echo $_COOKIE['a'] ?? 'no cookie', ' ', $_SERVER['HTTP_X_TEST'], ' ', getenv('HTTP_X_TEST'), ' ', count($_ENV) > 10 ? "environment" : "no environment", "\n";
