<?php
// A Markdown parser: blocks (headings, lists, quotes, code, paragraphs) and spans (emphasis, code, links), over a generated text.
class Markdown
{
    private $links = [];

    public function html($text)
    {
        $text = preg_replace_callback('/^\[([^\]]+)\]:\s*(\S+)\s*$/m', function ($m) {
            $this->links[strtolower($m[1])] = $m[2];
            return '';
        }, str_replace("\r\n", "\n", $text));
        return $this->blocks(explode("\n", $text));
    }

    private function blocks(array $lines)
    {
        $out = '';
        $n = count($lines);
        for ($i = 0; $i < $n;) {
            $line = $lines[$i];
            if (trim($line) === '') {
                $i++;
            } elseif (preg_match('/^(#{1,6})\s+(.*?)\s*#*$/', $line, $m)) {
                $level = strlen($m[1]);
                $out .= "<h$level>" . $this->spans($m[2]) . "</h$level>\n";
                $i++;
            } elseif ($line[0] === '>') {
                $inner = [];
                while ($i < $n && $lines[$i] !== '' && $lines[$i][0] === '>') {
                    $inner[] = ltrim(substr($lines[$i++], 1));
                }
                $out .= "<blockquote>\n" . $this->blocks($inner) . "</blockquote>\n";
            } elseif (preg_match('/^(\*|-|\d+\.)\s+/', $line, $m)) {
                $tag = ctype_digit($m[1][0]) ? 'ol' : 'ul';
                $out .= "<$tag>\n";
                while ($i < $n && preg_match('/^(?:\*|-|\d+\.)\s+(.*)$/', $lines[$i], $m)) {
                    $out .= '<li>' . $this->spans($m[1]) . "</li>\n";
                    $i++;
                }
                $out .= "</$tag>\n";
            } elseif (strncmp($line, '    ', 4) === 0) {
                $code = '';
                while ($i < $n && strncmp($lines[$i], '    ', 4) === 0) {
                    $code .= htmlspecialchars(substr($lines[$i++], 4)) . "\n";
                }
                $out .= "<pre>$code</pre>\n";
            } else {
                $paragraph = [];
                while ($i < $n && trim($lines[$i]) !== '' && strpos('#>*-', $lines[$i][0]) === false) {
                    $paragraph[] = $lines[$i++];
                }
                if (!$paragraph) {
                    $paragraph[] = $lines[$i++];
                }
                $out .= '<p>' . $this->spans(implode("\n", $paragraph)) . "</p>\n";
            }
        }
        return $out;
    }

    /** Character by character, so that the interpreter has something to do. */
    private function spans($text)
    {
        $out = '';
        $open = [];
        for ($i = 0, $n = strlen($text); $i < $n; $i++) {
            $c = $text[$i];
            switch ($c) {
                case '*':
                    $tag = $i + 1 < $n && $text[$i + 1] === '*' ? 'strong' : 'em';
                    $i += $tag === 'strong' ? 1 : 0;
                    if (end($open) === $tag) {
                        array_pop($open);
                        $out .= "</$tag>";
                    } else {
                        $open[] = $tag;
                        $out .= "<$tag>";
                    }
                    break;
                case '`':
                    $end = strpos($text, '`', $i + 1);
                    if ($end === false) {
                        $out .= $c;
                    } else {
                        $out .= '<code>' . htmlspecialchars(substr($text, $i + 1, $end - $i - 1)) . '</code>';
                        $i = $end;
                    }
                    break;
                case '[':
                    if (preg_match('/\G\[([^\]]+)\](?:\(([^)]+)\)|\[([^\]]*)\])/', $text, $m, 0, $i)) {
                        $url = isset($m[3]) ? ($this->links[strtolower($m[3] ?: $m[1])] ?? '#') : $m[2];
                        $out .= '<a href="' . htmlspecialchars($url) . '">' . $this->spans($m[1]) . '</a>';
                        $i += strlen($m[0]) - 1;
                    } else {
                        $out .= $c;
                    }
                    break;
                case '<': $out .= '&lt;'; break;
                case '&': $out .= '&amp;'; break;
                default: $out .= $c;
            }
        }
        while ($open) {
            $out .= '</' . array_pop($open) . '>';
        }
        return $out;
    }
}

$words = ['alpha', '*beta*', '**gamma** and', '`a < b`', '[delta](https://example.org/?a=1&b=2)', '[epsilon][ref]', 'zeta & eta', '<b>'];
$text = "[ref]: https://example.org/reference\n\n";
$seed = 1;
for ($i = 0; $i < 400; $i++) {
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    $line = '';
    for ($k = 0; $k < 12; $k++) {
        $line .= $words[($seed >> $k) & 7] . ' ';
    }
    $text .= [str_repeat('#', 1 + $i % 6) . " $line\n\n", "* $line\n* item\n\n", "> $line\n> again\n\n", "    $line\n\n", "$line\n$line\n\n",
        "1. $line\n2. two\n\n"][$i % 6];
}
$sum = 0;
for ($n = 0; $n < 60; $n++) {
    $html = (new Markdown())->html($text . $n);
    $sum = ($sum * 31 + crc32($html)) & 0xffffffff;
}
echo strlen($html), ' ', $sum, "\n";
