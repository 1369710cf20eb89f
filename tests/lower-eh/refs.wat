;; Exception references: catch_ref, catch_all_ref, throw_ref, null, select and locals of the type; tags of at most 32 bits.
(module
  (tag $a (param i32))
  (tag $f (param f32))
  (tag $n)
  (func $thrower (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const -11))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $f (f32.const 2.5))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $n)))
    (i32.const 7))

  ;; what clang makes for handlers that do not nest: everything caught, and thrown on at the end of the function
  (func $on (param i32) (result i32)
    (local $e exnref)
    (local.set $e
      (block $all (result exnref)
        (try_table (catch_all_ref $all)
          (return (i32.add (call $thrower (local.get 0)) (i32.const 1))))
        (unreachable)))
    (drop (call $other (i32.const 1)))
    (throw_ref (local.get $e)))

  ;; another exception comes and goes while the reference is kept
  (func $other (param i32) (result i32)
    (block $la (result i32)
      (try_table (catch $a $la) (drop (call $thrower (local.get 0))))
      (i32.const 0)))

  (func $kinds (export "kinds") (param i32) (result i32)
    (block $la (result i32)
      (block $lf (result f32)
        (block $ln
          (try_table (catch $a $la) (catch $f $lf) (catch $n $ln)
            (return (call $on (local.get 0))))
          (unreachable))
        (return (i32.const 3000)))
      (i32.trunc_f32_s)
      (return (i32.add (i32.const 2000)))))

  (func (export "catch_ref") (param i32) (result i32)
    (local $e exnref)
    (local $v i32)
    (block $over
      (block $again (result i32 exnref)
        (try_table (catch_ref $a $again)
          (return (call $thrower (local.get 0))))
        (unreachable))
      (local.set $e)
      (local.set $v)
      (block $out (result i32)
        (try_table (catch $a $out)
          (throw_ref (select (result exnref) (local.get $e) (ref.null exn) (i32.const 1))))
        (unreachable))
      (return (i32.add (local.get $v))))
    (unreachable))

  (func (export "null") (param i32) (result i32)
    (block $l
      (try_table (catch_all $l)
        (throw_ref (ref.null exn)))
      (unreachable))
    (i32.const 1)))
