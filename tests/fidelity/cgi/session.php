<?php
session_save_path('/tmp'); session_id('s1'); session_start(); $_SESSION['a'][] = 1; echo count($_SESSION['a']), ' ', session_id(), "\n"; session_commit(); echo file_get_contents('/tmp/sess_s1'), "\n";
