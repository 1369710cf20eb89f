<?php
header('Location: /elsewhere'); header('X-A: 1'); header('X-A: 2', false); header_remove('X-Powered-By'); echo 'x'; exit;
