<?php
// what is there is what was given: this folder of scripts, and tmp
$seen = scandir('/'); echo implode(' ', array_diff($seen, ['.', '..'], array_filter($seen, function ($f) { return substr($f, -4) === '.php'; }))), "\n";
var_dump(@scandir('/etc'), @file_get_contents('/etc/passwd'), @file_get_contents('/../etc/passwd'), file_exists('/usr'));
chdir('/tmp'); echo getcwd(), "\n";
var_dump(file_put_contents('a.txt', "alpha\nbeta\n", LOCK_EX), file_put_contents('a.txt', "gamma\n", FILE_APPEND), filesize('a.txt'), file('a.txt', FILE_IGNORE_NEW_LINES));
$f = fopen('a.txt', 'r+'); var_dump(flock($f, LOCK_SH), flock($f, LOCK_EX | LOCK_NB), flock($f, LOCK_UN));
fseek($f, 6); fwrite($f, 'BETA'); ftruncate($f, 11); rewind($f); echo stream_get_contents($f); var_dump(ftell($f), feof($f)); fclose($f);
var_dump(mkdir('d/e/f', 0777, true), rename('a.txt', 'd/e/b.txt'), is_file('d/e/b.txt'), copy('d/e/b.txt', 'c.txt'), realpath('d/../c.txt'));
var_dump(glob('*'), glob('/tmp/d/*/*'), @rmdir('d'), unlink('d/e/b.txt'), rmdir('d/e/f'), rmdir('d/e'), rmdir('d'), file_exists('d'));
var_dump(touch('t', 1000000000), filemtime('t'), filetype('t'), filetype('.'), is_readable('t'), is_writable('t'));
symlink('c.txt', 'l'); var_dump(is_link('l'), readlink('l'), file_get_contents('l') === file_get_contents('c.txt'), lstat('l')['size']);
$n = tempnam('/tmp', 'pre'); var_dump(dirname($n), substr(basename($n), 0, 3), filesize($n), $n !== tempnam('/tmp', 'pre'));
$t = tmpfile(); fwrite($t, 'temporary'); rewind($t); var_dump(fread($t, 100)); fclose($t);
$n = 0; foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('/tmp', FilesystemIterator::SKIP_DOTS)) as $x) $n++; var_dump($n);
file_put_contents('inc.php', '<?php return [__FILE__, __DIR__, __LINE__];'); var_dump(include 'inc.php', include './inc.php', (include_once 'inc.php') === true);
$f = fopen('x.csv', 'w+'); fputcsv($f, ['a', 'b c', 'd"e', "f\ng"]); rewind($f); var_dump(fgetcsv($f)); fclose($f);
$f = fopen('new', 'x'); var_dump($f !== false, @fopen('new', 'x')); fclose($f);
$f = fopen('sparse', 'w'); fseek($f, 5000000000); fwrite($f, 'x'); fclose($f); var_dump(filesize('sparse')); unlink('sparse');
var_dump(@file_get_contents('/tmp'), @fopen('/no/such/dir/file', 'w'), error_get_last()['message']);
var_dump(fileperms('c.txt') >= 0, umask(022), umask());
var_dump(file_exists('../'), is_dir('..//'), is_dir('./../'), stat('../')['ino'] === stat('..')['ino'], in_array('tmp', scandir('../')), is_link('../'), realpath('../'));
