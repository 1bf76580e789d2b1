package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.time.Workers;
import io.commslib.http.StubServer.Answer;
import io.commslib.resilience.EndpointPermit;
import io.commslib.resilience.EndpointPool;
import io.commslib.testkit.Await;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** Instances that a name stands for. No test asks a name server. */
class DnsEndpointsTest {

  private static final CallOutcome OK = CallOutcome.answered(CallStatus.OK);

  private final VirtualTime runtime = VirtualTime.startingAt(Instant.EPOCH, 7);

  /** Lookups that have not run yet. */
  private final List<Runnable> lookups = new ArrayList<>();

  private List<String> addresses = List.of();
  private int asked;

  private List<InetAddress> resolve(String host) throws UnknownHostException {
    asked++;
    assertThat(host).isEqualTo("prices.internal");
    if (addresses.isEmpty()) {
      throw new UnknownHostException(host);
    }
    List<InetAddress> found = new ArrayList<>();
    for (String address : addresses) {
      // A literal is never looked up.
      found.add(InetAddress.getByName(address));
    }
    return found;
  }

  private EndpointPool<URI> pool() {
    return pool(lookups::add);
  }

  /** Threads of this runtime run nothing; their work is given to the test. */
  private EndpointPool<URI> pool(Consumer<Runnable> starter) {
    CommsRuntime collecting =
        new CommsRuntime() {
          @Override
          public TimeSource time() {
            return runtime.time();
          }

          @Override
          public TaskScheduler scheduler() {
            return runtime.scheduler();
          }

          @Override
          public RandomGenerator random() {
            return runtime.random();
          }

          @Override
          public Workers newWorkers(String name, int threads) {
            return runtime.newWorkers(name, threads);
          }

          @Override
          public Thread newThread(String name, Runnable body) {
            return new Thread() {
              @Override
              public synchronized void start() {
                starter.accept(body);
              }
            };
          }

          @Override
          public void close() {
            runtime.close();
          }
        };
    Endpoints source = new DnsEndpoints("prices.internal", 8080, this::resolve);
    return Addresses.pool("pricing", source, Map.of(), collecting);
  }

  private void runLookups() {
    List<Runnable> due = List.copyOf(lookups);
    lookups.clear();
    due.forEach(Runnable::run);
  }

  private static String attempt(EndpointPool<URI> pool) {
    EndpointPermit<URI> chosen = pool.choose(null);
    chosen.ended(OK, 0);
    return chosen.endpoint().toString();
  }

  private static Map<String, Integer> attempts(EndpointPool<URI> pool, int count) {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < count; i++) {
      counts.merge(attempt(pool), 1, Integer::sum);
    }
    return counts;
  }

  private static String uri(String address) {
    return "http://" + address + ":8080";
  }

  /** Makes one attempt, whose lookup then runs. */
  private void refresh(EndpointPool<URI> pool) {
    runtime.advance(Addresses.LOOKUP);
    attempt(pool);
    runLookups();
  }

  @Test
  void noCallWaitsForALookupAndTheNameIsUsedBeforeTheFirst() {
    addresses = List.of("10.0.0.1", "10.0.0.2");
    EndpointPool<URI> pool = pool();
    assertThat(asked).as("a service starts without a lookup").isZero();
    assertThat(attempts(pool, 50)).containsOnlyKeys(uri("prices.internal"));
    assertThat(lookups).as("one at a time").hasSize(1);
    assertThat(asked).isZero();
    runLookups();
    assertThat(attempts(pool, 50)).containsOnlyKeys(uri("10.0.0.1"), uri("10.0.0.2"));
    assertThat(asked).isEqualTo(1);
  }

  @Test
  void aNameIsLookedUpAgainOnlyWhenItsTimeIsOver() {
    addresses = List.of("10.0.0.1");
    EndpointPool<URI> pool = pool();
    attempt(pool);
    runLookups();
    runtime.advance(Addresses.LOOKUP.minusNanos(1));
    attempts(pool, 10);
    assertThat(lookups).isEmpty();
    runtime.advance(Duration.ofDays(1));
    assertThat(lookups).as("without a call there is no lookup").isEmpty();
    attempts(pool, 10);
    assertThat(lookups).hasSize(1);
  }

  @Test
  void removedInstancesAreDrainedAndNewOnesStartSlowly() {
    addresses = List.of("10.0.0.1", "10.0.0.2");
    EndpointPool<URI> pool = pool();
    attempt(pool);
    runLookups();
    EndpointPermit<URI> inFlight = pool.choose(null);
    addresses =
        List.of(
            inFlight.endpoint().getHost().equals("10.0.0.1") ? "10.0.0.2" : "10.0.0.1", "10.0.0.3");
    refresh(pool);
    List<String> chosen = new ArrayList<>();
    for (int i = 0; i < 110; i++) {
      chosen.add(pool.choose(null).endpoint().getHost());
    }
    assertThat(chosen).doesNotContain(inFlight.endpoint().getHost());
    assertThat(Collections.frequency(chosen, "10.0.0.3")).as("a tenth").isBetween(2, 25);
    inFlight.ended(OK, 0);
  }

  @Test
  void aLookupThatFailsKeepsTheInstancesAndIsReportedOnce() {
    PrintStream before = System.err;
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    try {
      addresses = List.of("10.0.0.1");
      EndpointPool<URI> pool = pool();
      attempt(pool);
      runLookups();
      addresses = List.of();
      for (int i = 0; i < 3; i++) {
        refresh(pool);
        assertThat(attempts(pool, 5)).containsOnlyKeys(uri("10.0.0.1"));
      }
      assertThat(asked).isEqualTo(4);
      addresses = List.of("10.0.0.9");
      refresh(pool);
      assertThat(attempts(pool, 5)).containsOnlyKeys(uri("10.0.0.9"));
    } finally {
      System.setErr(before);
    }
    assertThat(written.toString(StandardCharsets.UTF_8).lines())
        .filteredOn(line -> line.contains("stay in use"))
        .hasSize(1);
  }

  @Test
  void aNameThatIsNeverFoundStaysTheOnlyInstance() {
    EndpointPool<URI> pool = pool();
    attempt(pool);
    runLookups();
    assertThat(attempts(pool, 20)).containsOnlyKeys(uri("prices.internal"));
    assertThat(lookups).as("the next one after the usual time").isEmpty();
    addresses = List.of("10.0.0.1");
    refresh(pool);
    assertThat(attempts(pool, 5)).containsOnlyKeys(uri("10.0.0.1"));
  }

  @Test
  void withoutAThreadTheCallsGoOn() {
    addresses = List.of("10.0.0.1");
    List<Runnable> refused = new ArrayList<>();
    EndpointPool<URI> pool =
        pool(
            lookup -> {
              refused.add(lookup);
              throw new OutOfMemoryError("no thread");
            });
    assertThat(attempts(pool, 10)).containsOnlyKeys(uri("prices.internal"));
    assertThat(refused).hasSize(1);
    runtime.advance(Addresses.LOOKUP);
    attempts(pool, 10);
    assertThat(refused).hasSize(2);
  }

  @Test
  void addressesAreBoundedAndInOneOrder() throws Exception {
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 250; i++) {
      many.add("10.0.0." + i);
    }
    many.add("10.0.0.1");
    Collections.shuffle(many, new java.util.Random(1));
    addresses = many;
    DnsEndpoints source = new DnsEndpoints("prices.internal", 8080, this::resolve);
    List<URI> first = source.lookUp();
    assertThat(first).hasSize(DnsEndpoints.MAX_RESOLVED).doesNotHaveDuplicates();
    Collections.shuffle(many, new java.util.Random(2));
    assertThat(source.lookUp()).isEqualTo(first);
    addresses = List.of("fe80::1%1", "2001:db8::1");
    assertThat(source.lookUp()).containsExactly(URI.create("http://[2001:db8:0:0:0:0:0:1]:8080"));
  }

  @Test
  void whatBreaksARuleIsRefused() {
    for (String host :
        List.of(
            "",
            "a b",
            "a/b",
            "user@host",
            "a:1",
            "[::1]",
            "my_host",
            "-a",
            "a-",
            "a..b",
            "1.2.3")) {
      assertThatThrownBy(() -> Endpoints.dns(host, 80))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("host: ");
    }
    assertThatThrownBy(() -> Endpoints.dns("host", 0)).hasMessage("port: 0 (expected: 1..65535)");
  }

  /** On real threads: calls reach the servers of a name while one of its lookups hangs. */
  @Test
  void callsGoOnWhileALookupHangs() throws Exception {
    CountDownLatch hanging = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    try (HttpFixture fixture = new HttpFixture()) {
      StubServer server = fixture.stub(request -> Answer.empty(204));
      NameResolver resolver =
          host -> {
            hanging.countDown();
            end.await();
            return List.of(InetAddress.getLoopbackAddress());
          };
      HttpService prices =
          HttpService.builder(
                  "pricing", new DnsEndpoints("localhost", server.uri().getPort(), resolver))
              .build(fixture.resilience);
      prices.get("/x").send();
      hanging.await();
      prices.get("/x").send();
      end.countDown();
      Await.until(
          "the end of the lookup", () -> prices.toString().contains(server.uri().toString()));
      prices.get("/x").send();
      assertThat(server.requests).hasSize(3);
    }
  }
}
