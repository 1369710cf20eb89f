<?php
// A log job: JSON lines in, regular expressions over the messages, groups and percentiles, JSON out.
$seed = 42;
function next_number($below)
{
    global $seed;
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    return ($seed >> 8) % $below;
}

$paths = ['/index', '/shop/items', '/shop/item/%d', '/api/v1/users/%d/posts', '/static/app.%d.js'];
$lines = [];
for ($i = 0; $i < 40000; $i++) {
    $path = sprintf($paths[next_number(5)], next_number(500));
    $lines[] = json_encode([
        'time' => gmdate('Y-m-d\TH:i:s\Z', 1600000000 + $i * 7),
        'level' => ['info', 'warning', 'error'][next_number(20) > 17 ? next_number(3) : 0],
        'message' => sprintf('%s %s -> %d in %d.%03d ms', next_number(4) ? 'GET' : 'POST', $path, [200, 200, 200, 304, 404, 500][next_number(6)],
            next_number(300), next_number(1000)),
        'client' => ['ip' => implode('.', [10, next_number(4), next_number(255), next_number(255)]), 'agent' => "Browser/" . next_number(9)],
    ]);
}

$groups = [];
$clients = [];
$errors = [];
foreach ($lines as $line) {
    $entry = json_decode($line, true);
    if (!preg_match('~^(?<method>[A-Z]+) (?<path>\S+) -> (?<status>\d{3}) in (?<ms>[\d.]+) ms$~', $entry['message'], $m)) {
        throw new Exception("not understood: $line");
    }
    $path = preg_replace(['~/\d+~', '~\.\d+\.~'], ['/{id}', '.*.'], $m['path']);
    $key = $m['method'] . ' ' . $path;
    $groups[$key]['ms'][] = (float) $m['ms'];
    $groups[$key]['status'][$m['status']] = ($groups[$key]['status'][$m['status']] ?? 0) + 1;
    $net = preg_replace('/\.\d+\.\d+$/', '.0.0', $entry['client']['ip']);
    $clients[$net] = ($clients[$net] ?? 0) + 1;
    if ($m['status'] >= 500 || $entry['level'] === 'error') {
        $errors[] = substr($entry['time'], 11, 5) . ' ' . $path;
    }
}
ksort($groups);
ksort($clients);
$report = [];
foreach ($groups as $key => $group) {
    sort($group['ms']);
    ksort($group['status']);
    $n = count($group['ms']);
    $report[$key] = ['n' => $n, 'mean' => round(array_sum($group['ms']) / $n, 3), 'p50' => $group['ms'][intdiv($n, 2)],
        'p95' => $group['ms'][intdiv($n * 95, 100)], 'status' => $group['status']];
}
$counts = array_count_values($errors);
arsort($counts);
$json = json_encode(['report' => $report, 'clients' => $clients, 'errors' => count($errors), 'worst' => max($counts)], JSON_PRETTY_PRINT);
echo strlen($json), ' ', crc32($json), "\n";
