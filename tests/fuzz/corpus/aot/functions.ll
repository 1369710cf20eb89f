; ModuleID = 'wasm'
source_filename = "wasm"
target triple = "x86_64-pc-linux-gnu"

%ExecCtx = type { ptr }

@intrinsics = protected dllexport global ptr null
@version = protected dllexport constant i32 1
@t1 = protected dllexport alias void (ptr, ptr, ptr, ptr), ptr @t0

define private void @trap(i32 %0) #0 {
entry:
  unreachable
}

define protected dllexport void @t0(ptr %0, ptr %1, ptr %2, ptr %3) #1 {
entry:
  ret void
}

define protected dllexport i32 @f0(ptr noalias readonly %0, i32 %1) #1 {
entry:
  %2 = load %ExecCtx, ptr %0, align 8
  %8 = extractvalue %ExecCtx %2, 0
  %9 = getelementptr inbounds ptr, ptr %8, i64 0
  %10 = load ptr, ptr %9, align 8, !invariant.group !1
  %12 = load volatile i32, ptr %10, align 1
  store volatile i8 %12, ptr %10, align 1
  %19 = load ptr, ptr @intrinsics, align 8, !invariant.group !1
  %20 = getelementptr inbounds [23 x ptr], ptr %19, i64 0, i64 18
  %21 = load ptr, ptr %20, align 8
  %22 = call ptr %21(i32 0, i32 0, i32 %12) #6
  %26 = call i32 %22(ptr %0, i32 %1) #6
  br label %later

later:                                            ; preds = %entry
  %27 = alloca i8, i64 16, align 16
  call void @f1(ptr %0, i32 7) #6
  ret i32 %26
}

define protected dllexport void @f1(ptr noalias readonly %0, i32 %1) #1 {
entry:
  %3 = alloca i32, align 4
  %4 = load ptr, ptr @intrinsics, align 8
  %24 = load i32, ptr %3, align 4
  %41 = call ptr %40(i32 0, i32 0, i32 %37) #6
  %45 = call i32 %41(ptr %0, i32 %24) #6
  %31 = getelementptr inbounds [23 x ptr], ptr %4, i64 0, i64 3
  %32 = load ptr, ptr %31, align 8
  call void %32(i32 0, i32 0, i32 %24, i32 %24, i32 64) #6
  ret void
}

declare i32 @llvm.ctpop.i32(i32) #2

attributes #0 = { cold uwtable }
attributes #1 = { strictfp uwtable "no-stack-arg-probe" }

!0 = !{}
