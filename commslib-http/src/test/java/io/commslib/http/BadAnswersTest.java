package io.commslib.http;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.getRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.core.WireMockConfiguration;
import com.github.tomakehurst.wiremock.http.Fault;
import io.commslib.core.CommsException;
import io.commslib.jackson.JacksonCodec;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kind of bad answer has its code, shows no content, and leaves the next call alone. */
class BadAnswersTest {

  private static final String SECRET = "hunter2";
  private static final int ATTEMPTS = 3;

  private static final WireMockServer REMOTE =
      new WireMockServer(WireMockConfiguration.options().dynamicPort().bindAddress("127.0.0.1"));

  private final HttpFixture fixture = new HttpFixture();
  private final HttpService service =
      HttpService.builder("pricing", URI.create(REMOTE.baseUrl()))
          .codec(JacksonCodec.create())
          // Faults on an upgrade to HTTP/2 are those of another protocol.
          .client(HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build())
          .maxAnswerBytes(1_000)
          .build(fixture.resilience);

  @BeforeAll
  static void start() {
    REMOTE.start();
  }

  @AfterAll
  static void stop() {
    REMOTE.stop();
  }

  @AfterEach
  void theNextCallWorks() throws Exception {
    REMOTE.resetAll();
    REMOTE.stubFor(any(anyUrl()).willReturn(aResponse().withStatus(204)));
    service.get("/good").send();
    assertThat(service.guard().inFlight()).isZero();
    fixture.close();
  }

  /** An answer, the code of its failure, and the number of attempts of a call that may repeat. */
  private record Case(String name, ResponseDefinitionBuilder answer, String code, int attempts) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Stream<Case> cases() {
    return Stream.of(
        new Case("over the bound", json(SECRET.repeat(200)), "COMMS-HTTP-002", 1),
        new Case("cut short", fault(Fault.MALFORMED_RESPONSE_CHUNK), "COMMS-CALL-001", ATTEMPTS),
        new Case("no HTTP", fault(Fault.RANDOM_DATA_THEN_CLOSE), "COMMS-CALL-001", ATTEMPTS),
        new Case("reset", fault(Fault.CONNECTION_RESET_BY_PEER), "COMMS-CALL-001", ATTEMPTS),
        new Case("another media type", typed("text/html", "<" + SECRET), "COMMS-HTTP-003", 1),
        new Case("no media type", aResponse().withBody("{}"), "COMMS-HTTP-003", 1),
        new Case("malformed", json("{\"" + SECRET), "COMMS-HTTP-003", 1),
        new Case("malformed problem", problem("{\"" + SECRET), "COMMS-HTTP-001", 1),
        new Case(
            "problem of wrong types",
            problem("{\"status\":\"" + SECRET + "\",\"retryable\":[],\"retryAfterMs\":{}}"),
            "COMMS-HTTP-001",
            1),
        new Case("a problem that is no object", problem("[7]"), "COMMS-HTTP-001", 1),
        new Case("negative advice", busy(503, "-3"), "COMMS-HTTP-001", ATTEMPTS),
        new Case("negative advice of 429", busy(429, "-3"), "COMMS-HTTP-001", 1),
        new Case("advice that is none", busy(429, SECRET), "COMMS-HTTP-001", 1),
        new Case(
            "advice in the past",
            busy(429, "Fri, 02 Jan 1970 03:03:05 GMT"),
            "COMMS-HTTP-001",
            ATTEMPTS),
        new Case("enormous advice", busy(503, "9".repeat(40)), "COMMS-HTTP-001", 1));
  }

  private static ResponseDefinitionBuilder typed(String type, String body) {
    return aResponse().withHeader("Content-Type", type).withBody(body);
  }

  private static ResponseDefinitionBuilder json(String body) {
    return typed("application/json", body);
  }

  private static ResponseDefinitionBuilder problem(String body) {
    return typed(Problem.MEDIA_TYPE, body).withStatus(422);
  }

  private static ResponseDefinitionBuilder busy(int status, String advice) {
    return aResponse().withStatus(status).withHeader("Retry-After", advice).withBody(SECRET);
  }

  private static ResponseDefinitionBuilder fault(Fault fault) {
    return aResponse().withFault(fault);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aBadAnswerHasACodeAndShowsNoContent(Case bad) {
    REMOTE.stubFor(get("/bad").willReturn(bad.answer()));
    CommsException failure =
        catchThrowableOfType(CommsException.class, () -> service.get("/bad").as(Map.class));
    assertThat(failure.code()).isEqualTo(bad.code());
    for (Throwable each = failure; each != null; each = each.getCause()) {
      assertThat(String.valueOf(each.getMessage())).doesNotContain(SECRET);
    }
    // After a reset the JDK's client sends a GET again within its attempt.
    assertThat(
            REMOTE.findAll(getRequestedFor(urlEqualTo("/bad"))).stream()
                .map(request -> request.getHeader(CallHeaders.ATTEMPT))
                .distinct())
        .hasSize(bad.attempts());
  }

  /** The JDK's client shows what it can't read, in texts of several types of exceptions. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        SECRET + "\r\n\r\n",
        "HTTP/1.1 " + SECRET + "\r\n\r\n",
        "HTTP/2.0 200 " + SECRET + "\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + SECRET + "\u0001: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + SECRET + " : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: " + SECRET + "\r\n\r\nabc",
        "HTTP/1.1 204 OK\r\nContent-Length: " + SECRET + "\r\n\r\n"
      })
  void aMalformedHeadIsNoAnswerAndIsNotShown(String head) throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write(head);
            });
    HttpService malformed = HttpService.builder("raw", server.uri()).build(fixture.resilience);
    List<ThrowingCallable> calls =
        List.of(
            () -> malformed.get("/bad").send(),
            () -> malformed.post("/bad").send(),
            () -> malformed.get("/bad").stream(InputStream::readAllBytes));
    for (ThrowingCallable call : calls) {
      CommsException failure = catchThrowableOfType(CommsException.class, call);
      assertThat(failure.code()).isEqualTo("COMMS-CALL-001");
      for (Throwable each = failure; each != null; each = each.getCause()) {
        assertThat(String.valueOf(each.getMessage())).doesNotContain(SECRET);
      }
    }
  }

  @Test
  void aTrickledAnswerIsCutAtItsTime() {
    // Its own path: the remote may record an attempt only after the end of the test.
    REMOTE.stubFor(get("/trickled").willReturn(json("[1]").withChunkedDribbleDelay(3, 30_000)));
    service.guard().replacePolicy(HttpFixture.policy(Duration.ofMillis(200)));
    long begin = System.nanoTime();
    CommsException failure =
        catchThrowableOfType(CommsException.class, () -> service.get("/trickled").send());
    assertThat(failure.code()).isEqualTo("COMMS-CALL-002");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
  }
}
