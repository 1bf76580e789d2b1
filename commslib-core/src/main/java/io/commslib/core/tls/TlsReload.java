package io.commslib.core.tls;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import io.commslib.core.time.Workers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks the files and replaces the material. A change is taken once two checks have read the same
 * bytes, since a file that is still being written can end after a whole certificate. One check runs
 * at a time, on a thread of its own, since a file system may block.
 */
final class TlsReload {

  /** A handshake that has chosen a certificate asks for its key within a moment. */
  private static final int KEPT = 8;

  /** The time between the two checks that must read the same. */
  private static final Duration SETTLE_TIME = Duration.ofSeconds(1);

  private static final Logger log = LoggerFactory.getLogger(TlsReload.class);

  private final String name;
  private final Path chain;
  private final Path key;
  private final Path trust;
  private final CommsRuntime runtime;
  private final Duration interval;
  private final Workers workers;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  /** The newest last; replaced as a whole. */
  private volatile List<TlsMaterial> recent;

  private volatile @Nullable Refusal refusal;
  private volatile long checkedNanos;
  private volatile boolean closed;
  private volatile @Nullable ScheduledTask next;

  /** What the check before this one has read; confined to the checks. */
  private byte @Nullable [] seen;

  /** Why the files are not taken, and since when. */
  record Refusal(long sinceNanos, String reason) {}

  TlsReload(
      String name, Path chain, Path key, Path trust, CommsRuntime runtime, Duration interval) {
    this.name = name;
    this.chain = chain;
    this.key = key;
    this.trust = trust;
    this.runtime = runtime;
    this.interval = interval;
    this.recent = List.of(read(1));
    this.workers = runtime.newPlatformWorkers(name, 1);
    this.checkedNanos = runtime.time().nanoTime();
    schedule(interval);
  }

  private TlsMaterial read(long generation) {
    TlsFiles files = TlsFiles.read(chain, key, trust);
    try {
      return TlsMaterial.of(files, generation, runtime.time().now());
    } finally {
      files.erase();
    }
  }

  TlsMaterial current() {
    List<TlsMaterial> all = recent;
    return all.get(all.size() - 1);
  }

  Optional<TlsMaterial> ofGeneration(long generation) {
    return recent.stream().filter(one -> one.generation() == generation).findFirst();
  }

  Optional<Refusal> refusal() {
    return Optional.ofNullable(refusal);
  }

  /** The time since the end of the last check. */
  Duration sinceCheck() {
    return Duration.ofNanos(runtime.time().nanoTime() - checkedNanos);
  }

  void addListener(Runnable listener) {
    listeners.add(listener);
  }

  void removeListener(Runnable listener) {
    listeners.remove(listener);
  }

  private void schedule(Duration delay) {
    ScheduledTask task = runtime.scheduler().schedule(delay, this::submit);
    next = task;
    if (closed) {
      task.cancel();
    }
  }

  private void submit() {
    try {
      workers.execute(this::checkAndSchedule);
    } catch (RejectedExecutionException e) {
      log.debug("{}: no check: closed", name);
    }
  }

  private void checkAndSchedule() {
    Duration delay = interval;
    try {
      delay = check() ? interval : settleTime();
    } finally {
      checkedNanos = runtime.time().nanoTime();
      if (!closed) {
        schedule(delay);
      }
    }
  }

  private Duration settleTime() {
    return interval.compareTo(SETTLE_TIME) < 0 ? interval : SETTLE_TIME;
  }

  /** Checks the files; returns false if they have just changed and are to be read once more. */
  private boolean check() {
    byte[] before = seen;
    TlsFiles files;
    try {
      files = TlsFiles.read(chain, key, trust);
    } catch (TlsException e) {
      seen = new byte[0];
      return settled(before) && refuse(e);
    }
    try {
      byte[] digest = files.digest();
      seen = digest;
      if (current().isOf(digest)) {
        refusal = null;
        return true;
      }
      if (!settled(before)) {
        return false;
      }
      take(TlsMaterial.of(files, current().generation() + 1, runtime.time().now()));
      return true;
    } catch (TlsException e) {
      return refuse(e);
    } finally {
      files.erase();
    }
  }

  private boolean settled(byte @Nullable [] before) {
    return Arrays.equals(before, seen);
  }

  private boolean refuse(TlsException failure) {
    Refusal known = refusal;
    long since = known == null ? runtime.time().nanoTime() : known.sinceNanos();
    refusal = new Refusal(since, failure.getMessage());
    if (known == null) {
      log.warn(
          "{}: the changed files are not taken; the certificate that ends at {} stays: {}",
          name,
          current().notAfter(),
          failure.getMessage());
    }
    return true;
  }

  private void take(TlsMaterial material) {
    List<TlsMaterial> all = new ArrayList<>(recent);
    all.add(material);
    recent = List.copyOf(all.subList(Math.max(0, all.size() - KEPT), all.size()));
    refusal = null;
    log.info("{}: a certificate that ends at {} is in use", name, material.notAfter());
    for (Runnable listener : listeners) {
      try {
        listener.run();
      } catch (Throwable e) {
        log.warn("{}: a listener failed: {}", name, Failures.text(e), e);
      }
    }
  }

  void close() {
    closed = true;
    ScheduledTask task = next;
    if (task != null) {
      task.cancel();
    }
    workers.close();
    listeners.clear();
  }
}
