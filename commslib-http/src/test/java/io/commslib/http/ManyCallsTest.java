package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.resilience.GuardedOperation;
import io.commslib.resilience.Resilience;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many calls in flight at the same time: 10,000 on virtual threads where the JVM unpins them from
 * monitors, which it does from Java 24 on, else 200 on platform threads.
 */
class ManyCallsTest {

  private static final boolean VIRTUAL = Runtime.version().feature() >= 24;
  private static final int CALLS = VIRTUAL ? 10_000 : 200;
  private static final int CONNECTIONS = 4;

  /** Those of the JVM, the JDK's clients and the server. */
  private static final int MAX_THREADS = 200;

  private static final long MAX_BYTES = 400L << 20;

  private static final CallPolicy POLICY =
      CallPolicy.builder()
          .deadline(Duration.ofMinutes(2))
          .attemptTimeout(Duration.ofMinutes(2))
          .maxInFlight(CALLS)
          .build();

  @TempDir private Path folder;

  private final SystemRuntime runtime =
      VIRTUAL ? SystemRuntime.virtualThreads() : SystemRuntime.platformThreads();
  private final Resilience resilience = Resilience.builder(runtime).defaults(POLICY).build();

  @AfterEach
  void close() {
    resilience.close();
    runtime.close();
  }

  /** One call, with its number. */
  private interface OneCall {
    void run(int number) throws Exception;
  }

  /**
   * Makes all calls at the same time.
   *
   * @param inFlight reached zero when all are in flight
   * @param letGo ends them
   */
  private void makeAll(OneCall call, CountDownLatch inFlight, Runnable letGo) throws Exception {
    Path recorded = folder.resolve("pinned.jfr");
    int threads = ManagementFactory.getThreadMXBean().getThreadCount();
    long bytes = usedBytes();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicInteger ended = new AtomicInteger();
    try (Recording events = new Recording()) {
      events.enable("jdk.VirtualThreadPinned").withoutThreshold().withStackTrace();
      events.start();
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < CALLS; i++) {
        int number = i;
        Thread caller =
            thread(
                () -> {
                  try {
                    call.run(number);
                    ended.incrementAndGet();
                  } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                    inFlight.countDown();
                  }
                });
        callers.add(caller);
        caller.start();
      }
      assertThat(inFlight.await(60, TimeUnit.SECONDS)).as("all are in flight").isTrue();
      assertThat(failure.get()).isNull();
      if (VIRTUAL) {
        assertThat(ManagementFactory.getThreadMXBean().getThreadCount() - threads)
            .as("platform threads")
            .isLessThan(MAX_THREADS);
      }
      assertThat(usedBytes() - bytes).isLessThan(MAX_BYTES);
      letGo.run();
      for (Thread caller : callers) {
        caller.join(60_000);
      }
      events.stop();
      events.dump(recorded);
    }
    assertThat(failure.get()).isNull();
    assertThat(ended).hasValue(CALLS);
    assertThat(RecordingFile.readAllEvents(recorded))
        .filteredOn(pinned -> !waitsForClass(pinned))
        .as("pinned")
        .isEmpty();
  }

  /**
   * Whether a thread only waited until another one had linked or initialized a class, which happens
   * once for each class. Code that blocks in an initializer or under a native frame has another
   * reason.
   */
  private static boolean waitsForClass(RecordedEvent pinned) {
    String reason = pinned.getString("pinnedReason");
    return reason.startsWith("Waited for initialization of ")
        || (reason.startsWith("Freeze or preempt failed")
            && pinned.getString("blockingOperation").equals("Contended monitor enter"));
  }

  private static Thread thread(Runnable work) throws Exception {
    if (!VIRTUAL) {
      return new Thread(work);
    }
    Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
    return (Thread)
        Class.forName("java.lang.Thread$Builder")
            .getMethod("unstarted", Runnable.class)
            .invoke(builder, work);
  }

  private static long usedBytes() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  @Test
  void plainCodeThatWaits() throws Exception {
    GuardedOperation work = resilience.guard("legacy").operation("wait", Idempotency.SAFE);
    CountDownLatch inFlight = new CountDownLatch(CALLS);
    CountDownLatch go = new CountDownLatch(1);
    makeAll(
        number ->
            work.call(
                attempt -> {
                  inFlight.countDown();
                  go.await();
                  return number;
                }),
        inFlight,
        go::countDown);
    assertThat(resilience.guard("legacy").inFlight()).isZero();
  }

  /** Answers when all requests have arrived. */
  private static final class HoldingHandler extends Handler.Abstract {
    final CountDownLatch arrived = new CountDownLatch(CALLS);
    private final Queue<Callback> held = new ConcurrentLinkedQueue<>();

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      response.setStatus(204);
      if (request.getHttpURI().getPath().equals("/first")) {
        callback.succeeded();
        return true;
      }
      held.add(callback);
      arrived.countDown();
      return true;
    }

    void answerAll() {
      held.forEach(Callback::succeeded);
    }
  }

  @Test
  void requestsOverFewConnections() throws Exception {
    HttpConfiguration config = new HttpConfiguration();
    HTTP2CServerConnectionFactory http2 = new HTTP2CServerConnectionFactory(config);
    http2.setMaxConcurrentStreams(CALLS);
    HoldingHandler handler = new HoldingHandler();
    Server server = new Server(new QueuedThreadPool(32));
    ServerConnector connector =
        new ServerConnector(server, new HttpConnectionFactory(config), http2);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(handler);
    server.start();
    try {
      URI uri = URI.create("http://127.0.0.1:" + connector.getLocalPort());
      List<HttpService> services = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS; i++) {
        HttpService service = HttpService.builder("remote-" + i, uri).build(resilience);
        // The first request of a client opens the connection, which all others share.
        service.get("/first").send();
        services.add(service);
      }
      makeAll(
          number -> services.get(number % CONNECTIONS).get("/x").send(),
          handler.arrived,
          handler::answerAll);
      assertThat(connector.getConnectedEndPoints()).hasSizeLessThanOrEqualTo(CONNECTIONS);
    } finally {
      server.stop();
    }
  }
}
