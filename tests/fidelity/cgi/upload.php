<?php
echo json_encode($_POST), ' ', $_FILES['f']['name'], ' ', $_FILES['f']['error'], ' ', $_FILES['f']['size'], ' ', file_get_contents($_FILES['f']['tmp_name']), "\n";
var_dump(move_uploaded_file($_FILES['f']['tmp_name'], '/tmp/moved'), is_uploaded_file('/tmp/moved'), unlink('/tmp/moved'));
