package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.testkit.Await;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Three processes that are killed and started again in turn, under load. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KilledBackendsTest {

  private static final int BACKENDS = 3;
  private static final int CALLERS = 4;
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final Duration PAUSE = Duration.ofMillis(2);
  private static final Duration LONGEST = Duration.ofSeconds(40);

  /** A call that was answered: by which backend and when. */
  private record Answer(int port, long nanos) {}

  private final GrpcFixture fixture = new GrpcFixture();
  private final Process[] processes = new Process[BACKENDS];
  private final AtomicBoolean isOver = new AtomicBoolean();
  private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
  private final Map<Integer, AtomicInteger> served = new ConcurrentHashMap<>();
  private final AtomicInteger all = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  @AfterEach
  void close() throws Exception {
    isOver.set(true);
    fixture.close();
    for (Process process : processes) {
      if (process != null) {
        process.destroyForcibly();
      }
    }
  }

  private static Process backend(int port) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            StockMain.class.getName(),
            Integer.toString(port))
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static void awaitListening(Process process) throws IOException {
    assertThat(process.inputReader().readLine()).isEqualTo("listens");
  }

  /** Ports that were free together a moment ago. */
  private static Integer[] freePorts() throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < BACKENDS; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      return sockets.stream().map(ServerSocket::getLocalPort).toArray(Integer[]::new);
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }

  private void call(StockGrpc.StockBlockingStub stub) {
    while (!isOver.get() && failure.get() == null) {
      try {
        int port = (int) stub.levelOf(LevelRequest.getDefaultInstance()).getCount();
        answers.add(new Answer(port, System.nanoTime()));
        all.incrementAndGet();
        served.get(port).incrementAndGet();
        // Processes that start need the cores too.
        fixture.runtime.pause(PAUSE);
      } catch (RuntimeException | InterruptedException e) {
        failure.compareAndSet(null, e);
      }
    }
  }

  private long count(int port, long from, long until) {
    return answers.stream()
        .filter(each -> port == 0 || each.port == port)
        .filter(each -> each.nanos - from >= 0 && each.nanos - until < 0)
        .count();
  }

  private void untilGrown(String what, AtomicInteger count, int by) {
    int before = count.get();
    Await.until(what, LONGEST, () -> failure.get() != null || count.get() - before >= by);
    assertThat(failure.get()).isNull();
  }

  @Test
  void killedBackendsFailNoSafeCallAndComeBackSlowly() throws Exception {
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5))
                .without(CallPolicy.Part.BREAKER)
                .budget(new RetryBudgetConfig(100, 1_000, Duration.ofSeconds(10)))
                .build());
    Integer[] ports = freePorts();
    for (int i = 0; i < BACKENDS; i++) {
      processes[i] = backend(ports[i]);
      served.put(ports[i], new AtomicInteger());
    }
    for (Process process : processes) {
      awaitListening(process);
    }
    StaticResolver names = fixture.add(new StaticResolver(ports));
    ManagedChannel channel =
        fixture.built(
            GrpcCalls.protect(
                Grpc.newChannelBuilder(names.target(), InsecureChannelCredentials.create()),
                fixture.resilience,
                "stock"));
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(channel);
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      Thread caller = new Thread(() -> call(stub), "caller-" + i);
      caller.start();
      callers.add(caller);
    }
    for (int port : ports) {
      untilGrown("all backends serve", served.get(port), 50);
    }
    List<String> shares = new ArrayList<>();
    long ownCalls = 0;
    long allCalls = 0;
    for (int i = 0; i < BACKENDS; i++) {
      processes[i].destroyForcibly().waitFor();
      long killed = System.nanoTime();
      untilGrown("the others serve", all, 500);
      processes[i] = backend(ports[i]);
      awaitListening(processes[i]);
      channel.resetConnectBackoff();
      untilGrown("the backend is back", served.get(ports[i]), 1);
      int port = ports[i];
      long back =
          answers.stream()
              .filter(each -> each.port == port && each.nanos - killed >= 0)
              .mapToLong(Answer::nanos)
              .min()
              .orElseThrow();
      Await.until("its first second is over", () -> System.nanoTime() - back > SECOND);
      long own = count(port, back, back + SECOND);
      long ofAll = count(0, back, back + SECOND);
      shares.add(own + " of " + ofAll);
      ownCalls += own;
      allCalls += ofAll;
      // A busy machine makes few calls in a second, whose share is off by chance.
      assertThat(own)
          .as("its calls in its first second: %s", shares)
          .isLessThanOrEqualTo((long) (1.5 * ofAll / BACKENDS) + 5);
    }
    // A slow start begins with a tenth of the share; without one it would be a third of all.
    assertThat(allCalls).as("calls in the first seconds: %s", shares).isGreaterThan(100);
    assertThat((double) ownCalls / allCalls)
        .as("share in the first seconds: %s", shares)
        .isLessThanOrEqualTo(0.75 / BACKENDS);
    isOver.set(true);
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(failure.get()).isNull();
  }
}
