<?php
// A template engine: compiles templates with variables, filters, conditions and loops to closures, and renders a page of a shop.
class Engine
{
    private $filters = [];
    private $cache = [];

    public function __construct()
    {
        $this->filters = [
            'e' => function ($v) { return htmlspecialchars((string) $v, ENT_QUOTES); },
            'upper' => 'strtoupper',
            'price' => function ($v) { return number_format($v / 100, 2, '.', ','); },
            'cut' => function ($v) { return strlen($v) > 20 ? substr($v, 0, 17) . '...' : $v; },
        ];
    }

    private function value($path)
    {
        $parts = explode('|', $path);
        $keys = explode('.', trim(array_shift($parts)));
        $filters = array_map(function ($name) { return $this->filters[trim($name)]; }, $parts);
        return function (array $vars) use ($keys, $filters) {
            $v = $vars;
            foreach ($keys as $key) {
                $v = is_array($v) && isset($v[$key]) ? $v[$key] : null;
            }
            foreach ($filters as $filter) {
                $v = $filter($v);
            }
            return $v;
        };
    }

    private function block(array $tokens, &$at, $end)
    {
        $nodes = [];
        while ($at < count($tokens)) {
            $token = $tokens[$at++];
            if (strncmp($token, '{{', 2) === 0) {
                $nodes[] = $this->value(substr($token, 2, -2));
            } elseif (strncmp($token, '{%', 2) === 0) {
                $words = preg_split('/\s+/', trim(substr($token, 2, -2)));
                if ($words[0] === $end) {
                    break;
                }
                $nodes[] = $words[0] === 'for' ? $this->loop($words, $tokens, $at) : $this->condition($words, $tokens, $at);
            } else {
                $nodes[] = $token;
            }
        }
        return function (array $vars) use ($nodes) {
            $out = '';
            foreach ($nodes as $node) {
                $out .= is_string($node) ? $node : $node($vars);
            }
            return $out;
        };
    }

    private function loop(array $words, array $tokens, &$at)
    {
        $list = $this->value($words[2]);
        $body = $this->block($tokens, $at, 'endfor');
        return function (array $vars) use ($list, $body, $words) {
            $out = '';
            foreach ($list($vars) as $i => $item) {
                $vars[$words[1]] = $item;
                $vars['index'] = $i + 1;
                $out .= $body($vars);
            }
            return $out;
        };
    }

    private function condition(array $words, array $tokens, &$at)
    {
        $test = $this->value($words[1]);
        $body = $this->block($tokens, $at, 'endif');
        return function (array $vars) use ($test, $body) {
            return $test($vars) ? $body($vars) : '';
        };
    }

    public function render($source, array $vars)
    {
        if (!isset($this->cache[$source])) {
            $tokens = preg_split('/(\{\{.*?\}\}|\{%.*?%\})/', $source, -1, PREG_SPLIT_DELIM_CAPTURE);
            $at = 0;
            $this->cache[$source] = $this->block($tokens, $at, '');
        }
        return ($this->cache[$source])($vars);
    }
}

$page = '<h1>{{ shop.name | e | upper }}</h1>
<ul>{% for item items %}
<li class="n{{ index }}">{{ item.name | cut | e }}: {{ item.price | price }}{% if item.stock %}, {{ item.stock }} left{% endif %}
{% for tag item.tags %}<i>{{ tag | e }}</i>{% endfor %}</li>{% endfor %}
</ul>';
$items = [];
for ($i = 0; $i < 60; $i++) {
    $items[] = ['name' => "Thing <$i> & its very own name", 'price' => $i * 1234567 % 99991, 'stock' => $i % 3,
        'tags' => ['a"' . $i, "b'" . $i % 7, 'c']];
}
$engine = new Engine();
$sum = 0;
for ($n = 0; $n < 400; $n++) {
    $items[$n % 60]['stock'] = $n;
    $html = $engine->render($page, ['shop' => ['name' => 'Corner & Co'], 'items' => $items]);
    $sum = ($sum * 31 + crc32($html)) & 0xffffffff;
}
echo strlen($html), ' ', $sum, "\n";
