package io.commslib.http;

import io.commslib.core.call.OutcomeClassifier;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/**
 * How an attempt sends its request, uses the answer and classifies it.
 *
 * @param <B> type of the answer's body
 */
interface HttpExchange<B> extends OutcomeClassifier<HttpResponse<B>> {

  /** Sends a request, perhaps twice in one attempt: again with a renewed credential. */
  HttpResponse<B> send(HttpRequest request) throws IOException, InterruptedException;

  /** Uses the answer of the attempt before it is classified. */
  default void use(HttpResponse<B> answer) throws InterruptedException {}
}
