<?php
// One answer or more from every extension that stands on a library, known from native PHP.

function title(string $name): void
{
    echo "== $name\n";
}

$dir = sys_get_temp_dir() . '/ext';
@mkdir(sys_get_temp_dir());
@mkdir($dir);

title('zlib');
$text = str_repeat("wlpack packs\n", 200);
var_dump(gzuncompress(gzcompress($text, 9)) === $text, gzdecode(gzencode($text)) === $text, gzinflate(gzdeflate($text)) === $text);
echo bin2hex(gzdeflate('abc abc abc abc', 9)), ' ', strlen(gzcompress($text, 9)), "\n";
file_put_contents("compress.zlib://$dir/a.gz", $text);
var_dump(bin2hex(file_get_contents("$dir/a.gz", false, null, 0, 3)), md5_file("compress.zlib://$dir/a.gz") === md5($text));
$f = fopen('php://memory', 'w+');
stream_filter_append($f, 'zlib.deflate', STREAM_FILTER_WRITE, ['level' => 9]);
fwrite($f, $text);
fclose($f);
$context = inflate_init(ZLIB_ENCODING_RAW);
echo strlen(inflate_add($context, gzdeflate($text), ZLIB_FINISH)), "\n";
var_dump(@gzuncompress('not packed'));

title('bz2');
var_dump(bzdecompress(bzcompress($text)) === $text, bin2hex(bzcompress('abc')), bzdecompress('nonsense'));
$bz = bzopen("$dir/a.bz2", 'w');
bzwrite($bz, $text);
bzclose($bz);
echo md5(file_get_contents("compress.bzip2://$dir/a.bz2")), "\n";

title('dom');
$doc = new DOMDocument();
$doc->loadXML('<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e "entity">]><r xmlns:n="urn:n"><n:a id="1">x&e;</n:a><b>ü</b></r>', LIBXML_NOENT);
$xpath = new DOMXPath($doc);
$xpath->registerNamespace('n', 'urn:n');
$xpath->registerNamespace('php', 'http://php.net/xpath');
$xpath->registerPhpFunctions('strtoupper');
echo $xpath->evaluate('string(//n:a[@id=1])'), ' ', $xpath->evaluate('count(//*)'), ' ',
    $xpath->evaluate('php:functionString("strtoupper", //b)'), "\n";
$c = $doc->documentElement->appendChild($doc->createElement('c'));
$c->setAttribute('q', '"');
$c->appendChild($doc->createTextNode('<&>'));
echo $doc->saveXML($doc->documentElement), "\n", $doc->documentElement->C14N(), "\n";
$doc->encoding = 'ISO-8859-1';
$doc->documentElement->appendChild($doc->createTextNode("\u{20ac}\u{e9}"));
echo bin2hex(substr($doc->saveXML(), -20)), "\n";
$html = new DOMDocument();
$html->loadHTML('<p>one<p>two <b>three</b>');
foreach ($html->getElementsByTagName('p') as $p) {
    echo $p->textContent, ';';
}
echo "\n";
$xsd = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:int"/></xs:schema>';
libxml_use_internal_errors(true);
foreach (['<n>12</n>', '<n>x</n>'] as $xml) {
    $d = new DOMDocument();
    $d->loadXML($xml);
    var_dump($d->schemaValidateSource($xsd));
}
var_dump($d->relaxNGValidateSource('<element name="n" xmlns="http://relaxng.org/ns/structure/1.0"><text/></element>'));
var_dump($d->loadXML('<a><b></a>'));
foreach (libxml_get_errors() as $error) {
    echo $error->level, ' ', $error->code, ' ', trim($error->message), "\n";
}
libxml_clear_errors();
libxml_use_internal_errors(false);

title('SimpleXML');
$s = simplexml_load_string('<r><i n="1">a</i><i n="2">b</i></r>');
foreach ($s->i as $i) {
    echo $i['n'], $i, ' ';
}
$s->addChild('i', 'c')['n'] = 3;
echo count($s->xpath('//i[@n>1]')), ' ', $s->asXML();

title('xml');
$parser = xml_parser_create('UTF-8');
$seen = [];
xml_set_element_handler(
    $parser,
    function ($p, $name, $attributes) use (&$seen) {
        $seen[] = "<$name" . json_encode($attributes);
    },
    function ($p, $name) use (&$seen) {
        $seen[] = "/$name";
    }
);
xml_set_character_data_handler($parser, function ($p, $data) use (&$seen) {
    $seen[] = $data;
});
xml_parse($parser, '<a x="1"><b>t&amp;u</b>');
xml_parse($parser, '</a>', true);
echo implode(' ', $seen), "\n";
$parser = xml_parser_create();
echo xml_parse($parser, '<a></b>', true), ' ', xml_error_string(xml_get_error_code($parser)), "\n";

title('xmlreader');
$reader = new XMLReader();
$reader->XML('<r><a k="v">t</a><!--c--><b/></r>');
while ($reader->read()) {
    echo $reader->nodeType, $reader->name, $reader->isEmptyElement ? '/' : '', ' ';
}
echo "\n";

title('xmlwriter');
$writer = new XMLWriter();
$writer->openMemory();
$writer->setIndent(true);
$writer->startDocument('1.0', 'UTF-8');
$writer->startElement('r');
$writer->writeAttribute('a', '<"&');
$writer->writeElement('e', 'text & more');
$writer->writeCdata('<raw>');
$writer->endElement();
$writer->endDocument();
echo $writer->outputMemory();

title('iconv');
echo bin2hex(iconv('UTF-8', 'ISO-8859-1', 'grüße')), ' ', bin2hex(iconv('UTF-8', 'UTF-16BE', 'a€😀')), ' ',
    iconv('CP1251', 'UTF-8', "\xcf\xf0\xe8\xe2\xe5\xf2"), ' ', iconv('EUC-JP', 'UTF-8', "\xc6\xfc\xcb\xdc"), ' ',
    bin2hex(iconv('UTF-8', 'SHIFT_JIS', '日本')), "\n";
var_dump(@iconv('UTF-8', 'ASCII', 'naïve'), iconv('UTF-8', 'ASCII//TRANSLIT', '“€” …'), iconv('UTF-8', 'ASCII//IGNORE', 'naïve'));
var_dump(@iconv('UTF-8', 'ISO-8859-1', "a\xff"), @iconv('UTF-8', 'NONSENSE', 'a'));
echo error_get_last()['message'], "\n";
echo iconv_strlen('grüße', 'UTF-8'), ' ', iconv_strpos('grüße', 'ß', 0, 'UTF-8'), ' ', iconv_substr('grüße', 2, 2, 'UTF-8'), ' ',
    iconv_mime_encode('Subject', 'grüße', ['input-charset' => 'UTF-8', 'output-charset' => 'UTF-8', 'scheme' => 'B']), ' ',
    iconv_mime_decode('=?ISO-8859-1?Q?gr=FC=DFe?=', 0, 'UTF-8'), "\n";

title('mbstring');
mb_regex_encoding('UTF-8');
var_dump(mb_ereg('(\w+)ß', 'Grüße', $m), $m[1]);
echo mb_ereg_replace('[äöü]', '*', 'grüße für'), ' ', implode('|', mb_split('\s+', 'a b  c')), ' ',
    mb_ereg_replace_callback('\d+', function ($m) {
        return $m[0] * 2;
    }, 'a1 b22'), ' ', mb_strtoupper('straße'), ' ', bin2hex(mb_convert_encoding('日本', 'SJIS', 'UTF-8')), "\n";

title('openssl');
echo openssl_digest('abc', 'sha256'), "\n";
$sealed = openssl_encrypt('a message', 'aes-256-gcm', str_repeat('k', 32), 0, str_repeat('i', 12), $tag);
echo $sealed, ' ', bin2hex($tag), ' ', openssl_decrypt($sealed, 'aes-256-gcm', str_repeat('k', 32), 0, str_repeat('i', 12), $tag), "\n";
var_dump(openssl_decrypt($sealed, 'aes-256-gcm', str_repeat('k', 32), 0, str_repeat('i', 12), str_repeat('t', 16)));
echo openssl_encrypt('a message', 'aes-128-cbc', str_repeat('k', 16), 0, str_repeat('i', 16)), ' ',
    openssl_encrypt('a message', 'des-ede3-cbc', str_repeat('k', 24), 0, str_repeat('i', 8)), "\n";
echo bin2hex(openssl_pbkdf2('password', 'salt', 20, 1000, 'sha256')), ' ', strlen(openssl_random_pseudo_bytes(16)), "\n";
file_put_contents("$dir/openssl.cnf", "[req]\ndistinguished_name = dn\n[dn]\n[v3_ca]\nbasicConstraints = CA:true\n");
$config = ['config' => "$dir/openssl.cnf", 'private_key_bits' => 1024, 'digest_alg' => 'sha256', 'x509_extensions' => 'v3_ca'];
foreach ([['private_key_type' => OPENSSL_KEYTYPE_RSA], ['private_key_type' => OPENSSL_KEYTYPE_EC, 'curve_name' => 'prime256v1']] as $type) {
    $key = openssl_pkey_new($type + $config);
    $details = openssl_pkey_get_details($key);
    openssl_sign('data', $signature, $key, OPENSSL_ALGO_SHA256);
    echo $details['bits'], ' ', openssl_verify('data', $signature, $details['key'], 'sha256'), openssl_verify('other', $signature, $details['key'], 'sha256'), ' ';
    $csr = openssl_csr_new(['commonName' => 'wasi.example', 'countryName' => 'DE'], $key, $config);
    $cert = openssl_csr_sign($csr, null, $key, 365, $config, 42);
    $parsed = openssl_x509_parse($cert);
    echo $parsed['name'], ' ', $parsed['serialNumber'], ' ', $parsed['extensions']['basicConstraints'], ' ',
        var_export(openssl_x509_check_private_key($cert, $key), true), ' ', openssl_x509_verify($cert, $details['key']), "\n";
    $parsed = openssl_x509_parse(openssl_csr_sign($csr, null, $key, 40000, $config));
    echo $parsed['validTo_time_t'] - $parsed['validFrom_time_t'], "\n";
    openssl_pkey_export($key, $pem, 'secret', $config);
    echo strpos($pem, 'ENCRYPTED') !== false ? 'encrypted' : 'plain', ' ', var_export(openssl_pkey_get_private($pem, 'wrong') !== false, true), ' ',
        var_export(openssl_pkey_get_private($pem, 'secret') !== false, true), "\n";
    openssl_pkcs12_export($cert, $p12, $key, 'secret');
    echo implode(',', array_keys(openssl_pkcs12_read($p12, $store, 'secret') ? $store : [])), "\n";
}
$rsa = @openssl_pkey_get_private("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
var_dump($rsa, is_string(openssl_error_string()));
openssl_seal('sealed', $sealed, $keys, [$details = openssl_pkey_get_details(openssl_pkey_new(['private_key_type' => OPENSSL_KEYTYPE_RSA] + $config))['key']], 'RC4');
echo strlen($sealed), ' ', strlen($keys[0]), "\n";
var_dump(in_array('aes-256-gcm', openssl_get_cipher_methods()), in_array('prime256v1', openssl_get_curve_names()));
var_dump(@file_get_contents('https://localhost/'));

title('sodium');
echo sodium_bin2hex(sodium_crypto_generichash('abc')), "\n",
    sodium_bin2hex(sodium_crypto_aead_xchacha20poly1305_ietf_encrypt('message', '', str_repeat("\0", 24), str_repeat("\7", 32))), "\n",
    sodium_bin2hex(sodium_crypto_pwhash(16, 'password', str_repeat("\0", 16), 1, 8192, SODIUM_CRYPTO_PWHASH_ALG_ARGON2ID13)), "\n";
$pair = sodium_crypto_sign_seed_keypair(str_repeat("\1", 32));
$signed = sodium_crypto_sign('text', sodium_crypto_sign_secretkey($pair));
echo sodium_bin2base64(substr($signed, 0, 24), SODIUM_BASE64_VARIANT_ORIGINAL), ' ', sodium_crypto_sign_open($signed, sodium_crypto_sign_publickey($pair)), "\n";
$box = sodium_crypto_box_keypair();
echo sodium_crypto_box_seal_open(sodium_crypto_box_seal('boxed', sodium_crypto_box_publickey($box)), $box), "\n";
try {
    sodium_crypto_secretbox('m', 'short', 'key');
} catch (SodiumException $e) {
    echo $e->getMessage(), "\n";
}

title('sqlite3');
$db = new SQLite3("$dir/a.db");
$db->exec('CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)');
$insert = $db->prepare('INSERT INTO t(name, data) VALUES (:name, :data)');
foreach (['ä', 'b', "c\0d"] as $name) {
    $insert->bindValue(':name', $name);
    $insert->bindValue(':data', strrev($name), SQLITE3_BLOB);
    $insert->execute();
    $insert->reset();
}
$db->createFunction('rev', 'strrev');
$db->createAggregate('joined', function ($so_far, $row, $value) {
    return $so_far . $value;
}, function ($all) {
    return "[$all]";
});
$db->createCollation('backwards', function ($a, $b) {
    return strcmp($b, $a);
});
echo json_encode($db->querySingle('SELECT id, hex(data) AS h FROM t WHERE name = \'b\'', true)), ' ', $db->querySingle("SELECT rev('abc')"), ' ',
    $db->querySingle('SELECT joined(id) FROM t'), ' ', $db->querySingle('SELECT max(length(name)) FROM t'), ' ',
    $db->querySingle('SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY name COLLATE backwards)'), "\n";
var_dump(@$db->exec("INSERT INTO t(name) VALUES ('b')"), $db->lastErrorMsg(), $db->lastErrorCode());
$second = new SQLite3("$dir/a.db");
$db->exec("BEGIN IMMEDIATE; INSERT INTO t(name) VALUES ('uncommitted')");
echo $second->querySingle('SELECT count(*) FROM t'), ' ';
var_dump(@$second->exec("INSERT INTO t(name) VALUES ('blocked')"));
$db->exec('COMMIT');
echo $second->querySingle('SELECT count(*) FROM t'), ' ', $second->querySingle('PRAGMA integrity_check'), "\n";
$copy = new SQLite3(':memory:');
var_dump($db->backup($copy), $copy->querySingle('SELECT count(*) FROM t'));
$blob = $db->openBlob('t', 'data', 2);
echo stream_get_contents($blob), "\n";
fclose($blob);
$db->close();
$second->close();

title('pdo_sqlite');
$pdo = new PDO("sqlite:$dir/a.db", null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
$rows = $pdo->prepare('SELECT id, name FROM t WHERE id BETWEEN ? AND ? ORDER BY id');
$rows->execute([1, 2]);
echo json_encode($rows->fetchAll(PDO::FETCH_KEY_PAIR)), "\n";
$pdo->beginTransaction();
$pdo->exec('DELETE FROM t');
$pdo->rollBack();
$pdo->sqliteCreateFunction('twice', function ($x) {
    return $x * 2;
});
echo $pdo->query('SELECT count(*), twice(21) FROM t')->fetch(PDO::FETCH_NUM)[1], ' ', $pdo->getAttribute(PDO::ATTR_DRIVER_NAME), ' ',
    $pdo->quote("it's"), "\n";
try {
    $pdo->query('SELECT id FROM nowhere');
} catch (PDOException $e) {
    echo $e->getMessage(), "\n";
}
$rows = $pdo = null;

title('gd');
$image = imagecreatetruecolor(40, 30);
imagefilledrectangle($image, 0, 0, 39, 29, imagecolorallocate($image, 200, 100, 50));
imageline($image, 0, 0, 39, 29, imagecolorallocate($image, 0, 0, 255));
imagestring($image, 2, 4, 8, 'wasi', imagecolorallocate($image, 255, 255, 255));
imagefilledellipse($image, 30, 8, 10, 10, imagecolorallocatealpha($image, 0, 255, 0, 64));
function pixels($image): string
{
    $all = '';
    for ($y = 0; $y < imagesy($image); $y++) {
        for ($x = 0; $x < imagesx($image); $x++) {
            $all .= pack('N', imagecolorat($image, $x, $y));
        }
    }
    return md5($all);
}
echo pixels($image), "\n";
foreach (['png', 'bmp', 'gd2'] as $type) {
    ("image$type")($image, "$dir/a.$type");
    echo $type, ' ', pixels(("imagecreatefrom$type")("$dir/a.$type")) === pixels($image) ? 'the same' : 'different', "\n";
}
imagejpeg($image, "$dir/a.jpeg", 90);
$jpeg = imagecreatefromjpeg("$dir/a.jpeg");
echo json_encode(getimagesize("$dir/a.jpeg")), ' ', pixels($jpeg), "\n";
var_dump(@imagecreatefromstring(substr(file_get_contents("$dir/a.jpeg"), 0, 100)) !== false, @imagecreatefrompng("$dir/a.jpeg"));
imagepalettetotruecolor($image);
imagetruecolortopalette($image, false, 16);
imagegif($image, "$dir/a.gif");
echo imagesx(imagecreatefromgif("$dir/a.gif")), ' ', pixels(imagescale($jpeg, 20, 15)), ' ', pixels(imagerotate($jpeg, 90, 0)), "\n";
imagefilter($jpeg, IMG_FILTER_GAUSSIAN_BLUR);
echo pixels($jpeg), ' ', json_encode(array_filter(gd_info(), 'is_bool')), "\n";

title('phar');
foreach (['tar' => [Phar::NONE, Phar::GZ, Phar::BZ2], 'zip' => [Phar::NONE]] as $format => $kinds) {
    foreach ($kinds as $kind) {
        $data = new PharData("$dir/p$kind.$format");
        $data['a.txt'] = $text;
        $data['d/b.txt'] = 'b';
        if ($format === 'zip') {
            $data->compressFiles(Phar::GZ);
        }
        $name = "$dir/p$kind.$format";
        if ($kind !== Phar::NONE) {
            $name = $data->compress($kind)->getPath();
        }
        $data = null;
        // a copy: PHP reads nothing from an archive that it has just compressed itself
        copy($name, "$dir/copy" . strstr(basename($name), '.'));
        $copy = "$dir/copy" . strstr(basename($name), '.');
        echo basename($name), ' ', count(new PharData($copy)), ' ', file_get_contents("phar://$copy/a.txt") === $text ? 'the same' : 'different', "\n";
        Phar::unlinkArchive($copy);
    }
}
foreach (glob("$dir/*") as $name) {
    unlink($name);
}
rmdir($dir);
