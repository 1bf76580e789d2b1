package io.commslib.benchmarks.chaos.idempotency;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.idempotency.JdbcIdempotencyStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * A process claims all keys, does half of the work, and is killed. Then 64 callers claim each key
 * until they have its result. One caller may take over each key, and must find the remembered
 * steps.
 */
final class KilledHolderRow {

  private static final int CALLERS = 64;
  private static final long PAUSE_NANOS = 20_000_000;

  private final RequestDatabase requests;
  private final int keys;
  private final AtomicIntegerArray takeovers;
  private final AtomicReferenceArray<String> answers;
  private final AtomicLong inFlight = new AtomicLong();
  private final AtomicLong wrongAnswers = new AtomicLong();
  private final List<String> findings = Collections.synchronizedList(new ArrayList<>());

  private KilledHolderRow(RequestDatabase requests, int keys) {
    this.requests = requests;
    this.keys = keys;
    this.takeovers = new AtomicIntegerArray(keys);
    this.answers = new AtomicReferenceArray<>(keys);
  }

  static IdempotencySuite.Outcome run(RequestDatabase requests, ChaosOptions options)
      throws Exception {
    return new KilledHolderRow(requests, options.bySize(100, 2_000, 10_000)).run(options.seed());
  }

  private IdempotencySuite.Outcome run(long seed) throws Exception {
    Path log = Files.createTempFile("commslib-chaos", ".log");
    ChildJvm holder =
        ChildJvm.start(
            List.of("-Xmx96m"),
            HolderProcess.class.getName(),
            List.of(requests.url(), requests.user(), Integer.toString(keys)),
            log);
    try {
      holder.awaitLine(HolderProcess.READY);
    } finally {
      holder.kill();
      Files.delete(log);
    }
    long stuck = callAll(seed);
    return judge(stuck);
  }

  private long callAll(long seed) throws Exception {
    ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
    try {
      List<Future<Long>> all = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        String name = "caller-" + caller;
        Random random = new Random(seed + caller);
        all.add(callers.submit(() -> call(name, random)));
      }
      long stuck = 0;
      for (Future<Long> one : all) {
        stuck += one.get();
      }
      return stuck;
    } finally {
      callers.shutdownNow();
    }
  }

  /** Claims all keys in random order; returns the number of keys without a result. */
  private long call(String name, Random random) throws Exception {
    List<Integer> open = new ArrayList<>(IntStream.range(0, keys).boxed().toList());
    Collections.shuffle(open, random);
    long end = System.nanoTime() + RequestDatabase.LEASE.toNanos() * 12;
    while (!open.isEmpty() && System.nanoTime() < end) {
      int before = open.size();
      for (int i = open.size() - 1; i >= 0; i--) {
        if (isAnswered(name, open.get(i))) {
          open.remove(i);
        }
      }
      if (open.size() == before) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
    return open.size();
  }

  private boolean isAnswered(String name, int number) throws Exception {
    JdbcIdempotencyStore store = requests.store();
    RequestKey key = RequestDatabase.key(number);
    Claim claim = store.claim(key, RequestDatabase.LEASE);
    switch (claim.kind()) {
      case IN_FLIGHT -> {
        inFlight.incrementAndGet();
        return false;
      }
      case GRANTED -> {
        takeOver(name, number, claim);
        return true;
      }
      case COMPLETED -> {
        String answer = new String(claim.result().body(), StandardCharsets.UTF_8);
        if (!answers.compareAndSet(number, null, answer) && !answer.equals(answers.get(number))) {
          addFinding(key.key() + " answered " + answer + " and " + answers.get(number));
        }
        return true;
      }
      default -> {
        addFinding(key.key() + ": " + claim);
        return true;
      }
    }
  }

  private void takeOver(String name, int number, Claim claim) throws Exception {
    RequestKey key = RequestDatabase.key(number);
    takeovers.incrementAndGet(number);
    boolean paid = HolderProcess.NAME.equals(claim.steps().get(RequestDatabase.STEP));
    if (!claim.isTakeover() || paid != (number % 2 == 0)) {
      addFinding(key.key() + " taken over as " + claim);
    }
    if (!paid) {
      RequestDatabase.pay(requests.database(), key, name);
    }
    if (!requests.store().complete(key, claim.token(), RequestDatabase.result(name))) {
      addFinding(key.key() + " lost while " + name + " held it");
    }
  }

  private void addFinding(String what) {
    wrongAnswers.incrementAndGet();
    if (findings.size() < 20) {
      findings.add(what);
    }
  }

  private IdempotencySuite.Outcome judge(long stuck) throws Exception {
    long notOnce = IntStream.range(0, keys).filter(key -> takeovers.get(key) != 1).count();
    long payments = requests.queryLong("SELECT count(*) FROM payment");
    long paid = requests.queryLong("SELECT count(DISTINCT request) FROM payment");
    Map<String, Long> violations = new LinkedHashMap<>();
    violations.put("lost", keys - paid);
    violations.put("duplicateEffects", payments - paid);
    violations.put("notTakenOverOnce", notOnce);
    violations.put("wrongAnswers", wrongAnswers.get());
    violations.put("stuck", stuck);
    return new IdempotencySuite.Outcome(
        keys + " keys, " + CALLERS + " callers each, " + inFlight.get() + " times in flight",
        violations,
        findings);
  }
}
