package io.commslib.http;

import io.commslib.core.call.CallOutcome;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Reads the whole answer, up to a bound. */
final class BoundedExchange implements HttpExchange<byte[]> {

  private final HttpService service;
  private final boolean hasBody;

  BoundedExchange(HttpService service, boolean hasBody) {
    this.service = service;
    this.hasBody = hasBody;
  }

  @Override
  public HttpResponse<byte[]> send(HttpRequest request) throws IOException, InterruptedException {
    int max = service.maxAnswerBytes();
    BoundedBody body = new BoundedBody(max, hasBody);
    try {
      return service.http().send(request, body);
    } catch (IOException e) {
      throw body.isTooLarge()
          ? new BoundedBody.TooLargeException(max)
          : HttpOutcomes.withoutContent(e);
    } catch (IllegalArgumentException e) {
      if (HttpOutcomes.isMalformedLength(e)) {
        throw HttpOutcomes.malformedLength();
      }
      throw e;
    }
  }

  @Override
  public CallOutcome ofAnswer(HttpResponse<byte[]> answer) {
    return service.outcomes().ofAnswer(answer);
  }

  @Override
  public CallOutcome ofFailure(Throwable failure) {
    return service.outcomes().ofFailure(failure);
  }
}
