package io.commslib.examples.docs;

import static io.commslib.core.SendCertainty.MAYBE_SENT;
import static io.commslib.core.call.CallStatus.OK;
import static io.commslib.core.call.CallStatus.UNAVAILABLE;
import static io.commslib.core.call.Idempotency.KEYED;
import static io.commslib.core.call.Idempotency.SAFE;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Criticality;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.FaultConfig;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.resilience.AdaptiveLimiter;
import io.commslib.resilience.AdaptiveLimiterConfig;
import io.commslib.resilience.BatchLoader;
import io.commslib.resilience.Composer;
import io.commslib.resilience.EndpointPool;
import io.commslib.resilience.Guard;
import io.commslib.resilience.GuardedOperation;
import io.commslib.resilience.MissingPart;
import io.commslib.resilience.Part;
import io.commslib.resilience.Resilience;
import io.commslib.resilience.ResilienceConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The code of docs/calls.md. */
class CallSnippetTest {

  private record Price(int cents) {}

  private record Receipt(String key, int cents) {}

  private record Answer(int status) {}

  private interface Legacy {
    Price quote(String article);
  }

  private interface AsyncClient {
    CompletionStage<Price> quoteAsync(String article);
  }

  private interface Bank {
    Receipt charge(String key, int cents);
  }

  private interface Client {
    Answer get(String path);
  }

  private final Legacy legacy = article -> new Price(article.length());
  private final Set<String> keys = new HashSet<>();
  private final Bank bank =
      (key, cents) -> {
        keys.add(key);
        return new Receipt(key, cents);
      };

  @Test
  void aCallIsProtected() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      String article = "85123A";
      int sum = 255;
      // snippet: calls
      Resilience resilience = Resilience.create(runtime);
      Guard pricing = resilience.guard("pricing");
      Price price = pricing.operation("quote", SAFE).call(attempt -> legacy.quote(article));
      Receipt paid =
          pricing
              .operation("charge", KEYED)
              .call(attempt -> bank.charge(attempt.idempotencyKey(), sum));
      // end
      assertThat(price.cents()).isEqualTo(6);
      assertThat(keys).containsExactly(paid.key());
      assertThat(paid.cents()).isEqualTo(sum);
      resilience.close();
    }
  }

  @Test
  void aClassifierReadsAnswers() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime)) {
      Guard pricing = resilience.guard("pricing");
      String article = "85123A";
      int[] calls = {0};
      Client client = path -> new Answer(++calls[0] < 3 ? 503 : 200);
      OutcomeClassifier<Answer> byStatus =
          new OutcomeClassifier<>() {
            @Override
            public CallOutcome ofAnswer(Answer answer) {
              return CallOutcome.answered(CallStatus.ofHttp(answer.status()));
            }

            @Override
            public CallOutcome ofFailure(Throwable failure) {
              return OutcomeClassifier.plain().ofFailure(failure);
            }
          };
      // snippet: calls-classifier
      Answer answer =
          pricing
              .operation("quote", SAFE)
              .call(byStatus, attempt -> client.get("/prices/" + article));
      // end
      assertThat(answer.status()).isEqualTo(200);
      assertThat(calls[0]).isEqualTo(3);
    }
  }

  @Test
  void propertiesConfigureAllRemotes() {
    Properties properties = new Properties();
    properties.setProperty("calls.default.deadline", "2s");
    properties.setProperty("calls.pricing.retry.maxAttempts", "2");
    properties.setProperty("calls.pricing.breaker.enabled", "false");
    properties.setProperty("calls.bank.example.com:8443.attemptTimeout", "PT0.8S");
    Properties changed = new Properties();
    changed.setProperty("calls.pricing.deadline", "3s");
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      // snippet: calls-config
      ResilienceConfig config = ResilienceConfig.fromProperties(properties);
      Resilience resilience = Resilience.create(runtime, config);
      String effective = resilience.guard("pricing").describe();
      resilience.apply(ResilienceConfig.fromProperties(changed));
      // end
      assertThat(effective)
          .contains("calls.pricing.deadline = 2s (calls.default.deadline)\n")
          .contains("calls.pricing.retry.maxAttempts = 2 (calls.pricing.retry.maxAttempts)\n");
      assertThat(config.policy("bank.example.com:8443").attemptTimeout())
          .isEqualTo(Duration.ofMillis(800));
      assertThat(resilience.guard("pricing").policy().deadline()).isEqualTo(Duration.ofSeconds(3));
      resilience.close();
    }
  }

  @Test
  void aDeadlineHoldsForAllCallsWithin() {
    Legacy typed = article -> new Price((int) left().toMillis());
    String article = "85123A";
    // snippet: calls-deadline
    Price price = CallContext.within(Duration.ofMillis(800), () -> typed.quote(article));
    // end
    assertThat(price.cents()).isBetween(1, 800);
  }

  @Test
  void aServerRefusesWhatWouldOnlyWait() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      assertThat(served(runtime, "request").isSuccess()).isTrue();
    }
  }

  @Test
  void criticalityTravels() {
    List<String> days = List.of("Monday");
    // snippet: calls-criticality
    String report =
        CallContext.current().withCriticality(Criticality.SHEDDABLE).call(() -> reportOf(days));
    // end
    assertThat(report).isEqualTo("[Monday] SHEDDABLE");
  }

  private static String reportOf(List<String> days) {
    return days + " " + CallContext.current().criticality();
  }

  private static CallOutcome handle(String request) {
    return CallOutcome.answered(request.isEmpty() ? CallStatus.INVALID_ARGUMENT : CallStatus.OK);
  }

  private static CallOutcome served(SystemRuntime runtime, String request) {
    Duration advice = Duration.ofSeconds(1);
    // snippet: calls-limiter
    ConcurrencyLimiter limiter = AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), runtime);
    long begun = runtime.time().nanoTime();
    Permit permit = limiter.tryAcquire();
    if (permit == null) {
      return CallOutcome.answered(CallStatus.RESOURCE_EXHAUSTED).withRetryAfter(advice);
    }
    CallOutcome outcome = handle(request);
    permit.ended(outcome, runtime.time().nanoTime() - begun);
    return outcome;
    // end
  }

  @Test
  void aStageIsProtected() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime)) {
      Guard pricing = resilience.guard("pricing");
      String article = "85123A";
      AsyncClient client = name -> CompletableFuture.completedFuture(new Price(name.length()));
      // snippet: calls-async
      CompletableFuture<Price> price =
          pricing.operation("quote", SAFE).callAsync(attempt -> client.quoteAsync(article));
      // end
      assertThat(price).isCompletedWithValue(new Price(6));
    }
  }

  @Test
  void decoratorsBecomeOnePolicy() {
    String article = "85123A";
    Price listPrice = new Price(9);
    int[] calls = {0};
    Legacy failing =
        name -> {
          if (++calls[0] == 1) {
            throw new UncheckedIOException(new IOException("reset"));
          }
          return new Price(name.length());
        };
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      // snippet: calls-moving
      CallPolicy policy =
          CallPolicy.builder()
              .attemptTimeout(Duration.ofMillis(800))
              .retry(RetryPolicy.defaults().withMaxAttempts(2))
              .maxInFlight(16)
              .build();
      Resilience resilience = Resilience.builder(runtime).policy("pricing", policy).build();
      GuardedOperation quote = resilience.guard("pricing").operation("quote", SAFE);
      Price price = quote.callOr(attempt -> legacy.quote(article), failure -> listPrice);
      // end
      assertThat(price).isEqualTo(new Price(6));
      Price fallback = quote.callOr(attempt -> failing.quote(article), failure -> listPrice);
      assertThat(fallback).isEqualTo(listPrice);
      calls[0] = 0;
      assertThat(byException(quote, failing, article)).isEqualTo(new Price(6));
      assertThat(calls[0]).isEqualTo(2);
      resilience.close();
    }
  }

  private static Price byException(GuardedOperation quote, Legacy legacy, String article) {
    // snippet: calls-moving-classifier
    OutcomeClassifier<Price> byException =
        new OutcomeClassifier<>() {
          @Override
          public CallOutcome ofAnswer(Price answer) {
            return CallOutcome.answered(OK);
          }

          @Override
          public CallOutcome ofFailure(Throwable failure) {
            return failure instanceof UncheckedIOException
                ? CallOutcome.of(UNAVAILABLE, MAYBE_SENT)
                : OutcomeClassifier.plain().ofFailure(failure);
          }
        };
    Price price = quote.call(byException, attempt -> legacy.quote(article));
    // end
    return price;
  }

  @Test
  void aSlowCallIsHedged() {
    // snippet: calls-hedging
    CallPolicy hedged =
        CallPolicy.builder().hedging(HedgingConfig.of(Duration.ofMillis(80))).build();
    // end
    assertThat(hedged.hedging()).map(HedgingConfig::maxExtra).contains(1);
  }

  private Price quote(String version, String article) {
    return new Price(version.length() + article.length());
  }

  @Test
  void aCanaryGetsAShareOfTheCalls() {
    String article = "85123A";
    // snippet: calls-split
    CallPolicy canary = CallPolicy.builder().split(TrafficSplit.of("v1", 95, "v2", 5)).build();
    // end
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.builder(runtime).defaults(canary).build()) {
      Guard pricing = resilience.guard("pricing");
      // snippet: calls-subset
      Price price =
          pricing
              .operation("quote", SAFE)
              .call(attempt -> quote(attempt.subset().orElse("v1"), article));
      // end
      assertThat(price).isEqualTo(new Price(8));
    }
  }

  @Test
  void aShareOfTheCallsIsCopied() {
    // snippet: calls-mirror
    CallPolicy mirrored = CallPolicy.builder().mirror(TrafficMirror.of("canary", 5)).build();
    // end
    assertThat(mirrored.mirror()).map(TrafficMirror::percent).contains(5);
    ResilienceConfig config = ResilienceConfig.fromMap(Map.of("calls.pricing.mirror", "canary:5"));
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime, config)) {
      assertThat(resilience.guard("pricing").policy().mirror()).isEqualTo(mirrored.mirror());
    }
  }

  private interface Instances {
    Legacy at(URI endpoint);
  }

  @Test
  void eachAttemptHasAnEndpoint() {
    URI one = URI.create("http://one");
    URI two = URI.create("http://two");
    String article = "85123A";
    Set<URI> used = new HashSet<>();
    Instances client =
        endpoint -> {
          used.add(endpoint);
          return legacy;
        };
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime)) {
      Guard pricing = resilience.guard("pricing");
      // snippet: calls-endpoints
      EndpointPool<URI> instances =
          EndpointPool.<URI>builder("pricing", runtime).endpoints(List.of(one, two)).build();
      // end
      for (int i = 0; i < 50; i++) {
        // snippet: calls-endpoint
        Price price =
            pricing
                .operation("quote", SAFE)
                .withEndpoints(instances)
                .call(
                    attempt -> client.at(attempt.endpoint(URI.class).orElseThrow()).quote(article));
        // end
        assertThat(price.cents()).isEqualTo(6);
      }
      assertThat(used).containsExactlyInAnyOrder(one, two);
    }
  }

  @Test
  void faultsAreInjected() {
    // snippet: calls-faults
    CallPolicy chaos =
        CallPolicy.builder().faults(FaultConfig.failing(10, UNAVAILABLE, MAYBE_SENT)).build();
    // end
    assertThat(chaos.faults()).map(FaultConfig::failPercent).contains(10);
  }

  @Test
  void equalCallsShareOne() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime)) {
      Guard pricing = resilience.guard("pricing");
      String article = "85123A";
      // snippet: calls-collapse
      Price price =
          pricing
              .operation("quote", SAFE)
              .collapsing(article)
              .call(attempt -> legacy.quote(article));
      // end
      assertThat(price.cents()).isEqualTo(6);
    }
  }

  private static Duration left() {
    return CallContext.current().deadline().orElseThrow().remaining();
  }

  private static Message question(String article) {
    // snippet: calls-question
    Message question = Message.builder("stock.asked").key(article).withinCallDeadline().build();
    // end
    return question;
  }

  @Test
  void aQuestionExpiresWithItsCall() {
    Message asked = CallContext.within(Duration.ofMillis(800), () -> question("85123A"));
    assertThat(asked.expiresWithCall()).isTrue();
    assertThat(asked.expiry()).isPresent();
    assertThat(question("85123A").expiry()).isEmpty();
  }

  @Test
  void aSubscriptionWaitsForTheRemote() {
    try (SystemRuntime runtime = SystemRuntime.platformThreads();
        Resilience resilience = Resilience.create(runtime)) {
      Guard pricing = resilience.guard("pricing");
      Destination charges = Destination.queue("charges");
      // snippet: calls-gate
      SubscriptionConfig config =
          SubscriptionConfig.builder(charges, "billing").gate(pricing.gate()).build();
      // end
      assertThat(config.gate().isOpen()).isTrue();
      pricing.forceBreakerOpen();
      assertThat(config.gate().isOpen()).isFalse();
    }
  }

  private record Order(String id) {}

  private record Payment(String id) {}

  private record Summary(Order order, Payment payment, Map<String, MissingPart> missing) {}

  private interface Remote<T> {
    T of(String id) throws IOException;
  }

  private static Summary summary(
      Resilience resilience, Remote<Order> orders, Remote<Payment> payments, String id) {
    // snippet: calls-composer
    try (Composer composer = resilience.composer(Duration.ofMillis(800))) {
      Part<Order> order = composer.required("order", () -> orders.of(id));
      Part<Payment> payment = composer.optional("payment", () -> payments.of(id));
      composer.join();
      return new Summary(order.get(), payment.orNull(), composer.missing());
    }
    // end
  }

  @Test
  void anAnswerIsComposed() {
    Remote<Payment> dead =
        id -> {
          throw new ConnectException("refused");
        };
    try (Resilience resilience = Resilience.create(VirtualTime.create())) {
      Summary whole = summary(resilience, Order::new, Payment::new, "17");
      assertThat(whole).isEqualTo(new Summary(new Order("17"), new Payment("17"), Map.of()));
      Summary partial = summary(resilience, Order::new, dead, "17");
      assertThat(partial.order()).isEqualTo(new Order("17"));
      assertThat(partial.payment()).isNull();
      assertThat(partial.missing()).hasToString("{payment=FAILED java.net.ConnectException}");
    }
  }

  private interface Prices {
    Map<String, Price> quotes(List<String> articles);
  }

  @Test
  void keysAreJoined() {
    Prices legacy =
        articles ->
            articles.stream()
                .collect(Collectors.toMap(article -> article, each -> new Price(each.length())));
    try (Resilience resilience = Resilience.create(VirtualTime.create())) {
      Guard pricing = resilience.guard("pricing");
      String article = "85123A";
      // snippet: calls-batch
      BatchLoader<String, Price> prices =
          BatchLoader.of(pricing.operation("quotes", SAFE), articles -> legacy.quotes(articles));
      Price price = prices.load(article);
      // end
      assertThat(price.cents()).isEqualTo(6);
    }
  }
}
