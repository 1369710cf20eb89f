<?php
// Objects and floating point: bodies under gravity, with vector objects, an interface and a collection.
interface Force
{
    public function between(Body $a, Body $b): Vector;
}

final class Vector
{
    public $x, $y, $z;

    public function __construct(float $x, float $y, float $z)
    {
        $this->x = $x;
        $this->y = $y;
        $this->z = $z;
    }

    public function minus(Vector $o): Vector
    {
        return new self($this->x - $o->x, $this->y - $o->y, $this->z - $o->z);
    }

    public function add(Vector $o, float $factor): void
    {
        $this->x += $o->x * $factor;
        $this->y += $o->y * $factor;
        $this->z += $o->z * $factor;
    }

    public function square(): float
    {
        return $this->x * $this->x + $this->y * $this->y + $this->z * $this->z;
    }
}

class Body
{
    public $place, $speed, $mass;

    public function __construct(array $place, array $speed, float $mass)
    {
        $this->place = new Vector(...$place);
        $this->speed = new Vector(...$speed);
        $this->mass = $mass;
    }

    public function energy(): float
    {
        return 0.5 * $this->mass * $this->speed->square();
    }
}

class Gravity implements Force
{
    public function between(Body $a, Body $b): Vector
    {
        $d = $b->place->minus($a->place);
        $square = $d->square();
        $factor = 1.0 / ($square * sqrt($square));
        $d->x *= $factor;
        $d->y *= $factor;
        $d->z *= $factor;
        return $d;
    }
}

class System implements IteratorAggregate
{
    private $bodies;
    private $force;

    public function __construct(Force $force, Body ...$bodies)
    {
        $this->force = $force;
        $this->bodies = $bodies;
    }

    public function getIterator(): Iterator
    {
        return new ArrayIterator($this->bodies);
    }

    public function step(float $dt): void
    {
        $n = count($this->bodies);
        for ($i = 0; $i < $n; $i++) {
            for ($k = $i + 1; $k < $n; $k++) {
                $a = $this->bodies[$i];
                $b = $this->bodies[$k];
                $f = $this->force->between($a, $b);
                $a->speed->add($f, $b->mass * $dt);
                $b->speed->add($f, -$a->mass * $dt);
            }
        }
        foreach ($this as $body) {
            $body->place->add($body->speed, $dt);
        }
    }

    public function energy(): float
    {
        $e = 0.0;
        foreach ($this as $body) {
            $e += $body->energy();
        }
        return $e;
    }
}

$system = new System(new Gravity(), new Body([0, 0, 0], [0, 0, 0], 40), new Body([5, 0, 1], [0, 2.8, 0], 0.04),
    new Body([-8, 1, 0], [0, -2.2, 0.1], 0.01), new Body([0, 13, 0], [-1.7, 0, 0], 0.002), new Body([2, -15, -1], [1.6, 0, 0.2], 0.002));
printf("%.9f ", $system->energy());
for ($i = 0; $i < 40000; $i++) {
    $system->step(0.001);
}
printf("%.9f\n", $system->energy());
