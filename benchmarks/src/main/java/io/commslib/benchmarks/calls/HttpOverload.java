package io.commslib.benchmarks.calls;

import io.commslib.core.CommsException;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.HttpService;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.resilience.AdaptiveLimiter;
import io.commslib.resilience.AdaptiveLimiterConfig;
import io.commslib.resilience.Resilience;
import java.io.PrintStream;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The scenario of {@link Overload} on a real server with the adaptive limit: 8 workers,
 * exponentially distributed service times of 20 ms, and callers that wait for 250 ms. Server and
 * callers share the processors.
 */
final class HttpOverload implements AutoCloseable {

  private static final int WORKERS = 8;
  private static final int CALLERS = 10;
  private static final int MAX_CALLS = 1_000;
  private static final double SERVICE_NANOS = 20e6;
  private static final double PER_SECOND = WORKERS * 1e9 / SERVICE_NANOS;
  private static final double[] LOADS = {1, 2, 10};

  private static final CallPolicy POLICY =
      CallPolicy.builder()
          .deadline(Duration.ofSeconds(1))
          .attemptTimeout(Duration.ofMillis(250))
          .build();

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final ExecutorService calling =
      new ThreadPoolExecutor(0, MAX_CALLS, 10, TimeUnit.SECONDS, new SynchronousQueue<>());

  /** Returns the goodput at the highest load as a share of the peak. */
  double run(boolean quick, PrintStream out) throws Exception {
    Duration warmUp = Duration.ofSeconds(quick ? 1 : 4);
    Duration measured = Duration.ofSeconds(quick ? 1 : 4);
    double peak = 0;
    double last = 0;
    StringBuilder line = new StringBuilder();
    for (double load : LOADS) {
      last = goodput(load, warmUp, measured);
      peak = Math.max(peak, last);
      line.append(String.format(Locale.ROOT, "  %.1fx: %.2f", load, last));
    }
    out.println("  goodput by load, real server:   " + line);
    return last / peak;
  }

  private double goodput(double load, Duration warmUp, Duration measured) throws Exception {
    Semaphore workers = new Semaphore(WORKERS, true);
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .limiter(AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), runtime))
            .route("GET /work", request -> work(workers))
            .build();
    HttpServerComponent server =
        HttpServerComponent.builder("overload", routes, runtime).host("127.0.0.1").build();
    server.start();
    List<Resilience> processes = new ArrayList<>();
    try {
      List<HttpService> services = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        Resilience process = Resilience.builder(runtime).defaults(POLICY).build();
        processes.add(process);
        services.add(
            HttpService.builder("server", URI.create("http://127.0.0.1:" + server.port()))
                .build(process));
      }
      AtomicInteger answered = new AtomicInteger();
      offer(load, warmUp, services, new AtomicInteger());
      offer(load, measured, services, answered);
      return answered.get() / (PER_SECOND * measured.toSeconds());
    } finally {
      server.close();
      processes.forEach(Resilience::close);
    }
  }

  private static HttpAnswer work(Semaphore workers) throws InterruptedException {
    workers.acquire();
    try {
      double share = -Math.log(1 - ThreadLocalRandom.current().nextDouble());
      TimeUnit.NANOSECONDS.sleep((long) (share * SERVICE_NANOS));
      return HttpAnswer.noContent();
    } finally {
      workers.release();
    }
  }

  /** Makes calls at random times, whether those before have ended or not. */
  private void offer(
      double load, Duration time, List<HttpService> services, AtomicInteger answered) {
    SplittableRandom random = new SplittableRandom(1);
    long end = System.nanoTime() + time.toNanos();
    long next = System.nanoTime();
    int calls = 0;
    while (next - end < 0) {
      LockSupport.parkNanos(next - System.nanoTime());
      if (System.nanoTime() - next < 0) {
        continue;
      }
      HttpService service = services.get(calls++ % CALLERS);
      try {
        calling.execute(() -> call(service, answered));
      } catch (RejectedExecutionException e) {
        // So many callers wait that this one fails at once.
      }
      next += (long) (-Math.log(1 - random.nextDouble()) * 1e9 / (PER_SECOND * load));
    }
  }

  private static void call(HttpService service, AtomicInteger answered) {
    try {
      service.get("/work").send();
      answered.incrementAndGet();
    } catch (CommsException e) {
      // Not answered in time, or refused.
    }
  }

  @Override
  public void close() {
    calling.shutdownNow();
    runtime.close();
  }
}
