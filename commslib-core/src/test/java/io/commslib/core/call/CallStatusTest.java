package io.commslib.core.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The table of statuses. */
class CallStatusTest {

  @Test
  void theNumbersAreThoseOfGrpc() {
    assertThat(CallStatus.values()).hasSize(17);
    assertThat(CallStatus.OK.code()).isZero();
    assertThat(CallStatus.UNAUTHENTICATED.code()).isEqualTo(16);
    assertThat(CallStatus.ofCode(14)).isEqualTo(CallStatus.UNAVAILABLE);
    assertThat(CallStatus.ofCode(17)).isEqualTo(CallStatus.UNKNOWN);
    assertThat(CallStatus.ofCode(-1)).isEqualTo(CallStatus.UNKNOWN);
  }

  @Test
  void aStatusThatHttpDistinguishesComesBack() {
    for (CallStatus status : CallStatus.values()) {
      switch (status) {
        case ALREADY_EXISTS ->
            assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(CallStatus.ABORTED);
        case OUT_OF_RANGE ->
            assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(CallStatus.INVALID_ARGUMENT);
        case UNKNOWN, DATA_LOSS ->
            assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(CallStatus.INTERNAL);
        default -> assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(status);
      }
    }
  }

  @Test
  void everyHttpStatusHasOne() {
    for (int http = 100; http < 600; http++) {
      CallStatus status = CallStatus.ofHttp(http);
      assertThat(status == CallStatus.OK).as("%d", http).isEqualTo(http < 400);
    }
    assertThat(CallStatus.ofHttp(418)).isEqualTo(CallStatus.INVALID_ARGUMENT);
    assertThat(CallStatus.ofHttp(507)).isEqualTo(CallStatus.UNKNOWN);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CallStatus.ofHttp(600))
        .withMessage("http: 600 (expected: 100..599)");
  }

  @Test
  void theTableOfTheDocsHasEachStatusWithItsCodes() throws IOException {
    StringBuilder table =
        new StringBuilder(
            "| Status | Number of gRPC | Sent as HTTP | Read from HTTP |\n|---|---|---|---|\n");
    for (CallStatus status : CallStatus.values()) {
      table.append(
          "| `%s` | %d | %d | %s |%n"
              .formatted(status, status.code(), status.toHttp(), readFrom(status)));
    }
    Path page = Path.of("").toAbsolutePath().resolve("../docs/calls.md");
    assertThat(Files.readString(page)).contains("\n\n" + table + "\n");
  }

  /** The codes that are read as a status; a long list is that of all codes without a row. */
  private static String readFrom(CallStatus status) {
    List<Integer> codes =
        IntStream.rangeClosed(100, 599)
            .filter(http -> CallStatus.ofHttp(http) == status)
            .boxed()
            .toList();
    String own = status == CallStatus.INVALID_ARGUMENT ? "400, " : "";
    if (codes.size() == 300) {
      assertThat(codes).containsExactlyElementsOf(IntStream.range(100, 400).boxed().toList());
      return "100 to 399";
    }
    if (codes.size() > 10) {
      boolean isBelow500 = codes.get(0) < 500;
      assertThat(codes).allMatch(http -> http < 500 == isBelow500);
      return own + (isBelow500 ? "others below 500" : "others from 500");
    }
    return codes.isEmpty()
        ? "none"
        : codes.stream().map(String::valueOf).collect(Collectors.joining(", "));
  }
}
